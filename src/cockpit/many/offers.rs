//! What may be done to all that were chosen. Choosing one makes a plan, and changes nothing.

use std::sync::Arc;

use super::Whom;
use crate::cockpit::app::App;
use crate::cockpit::widgets::numbers::{grouped, plural};
use crate::domain::decided::CHANGE_THERE;
use crate::domain::drift::{DriftStatus, KnownDrift};
use crate::domain::flow::Status;
use crate::domain::plan::{Pace, Parameters, Waves};
use crate::domain::remediation::{Verb, VerbOffer};
use crate::domain::remedy::Remedy;
use crate::domain::runbook::{Runbook, RunbookOffer};
use crate::domain::source::{Freshness, SourceStatus};
use crate::domain::text::SafeText;
use crate::ops::{FlowAnswer, PlanWish};

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// Its name.
    pub name: SafeText,
    /// What happens.
    pub words: SafeText,
    /// More about it, where there is more.
    pub more: SafeText,
    /// What is chosen by it.
    pub choice: Choice,
    /// Why it can't be had; `None` where it can.
    pub refusal: Option<String>,
}

/// What an entry chooses.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// A plan of a verb.
    Verb(Verb, Waves),
    /// A choice of deployments to resume on, and then a plan.
    Deployment,
    /// A runbook.
    Runbook(Arc<Runbook>),
    /// The runbooks that are not suggested.
    Others,
    /// Leaving a finding alone for a while, or not any more.
    Ignore,
    /// Making what is there what is wanted, or not any more.
    Adopt,
}

/// The plan of a verb that is to be made.
pub fn verb_wish(whom: &Whom, verb: Verb, waves: Waves) -> PlanWish {
    PlanWish {
        remedy: Remedy::Verb(verb, Parameters::new()),
        selection: whom.selection.clone(),
        waves,
        pace: Pace::default(),
    }
}

/// The name of resuming on other code, in a menu.
pub const ON_ANOTHER: &str = "resume on…";

/// What it does.
pub const ON_ANOTHER_DOES: &str = "on another deployment: the way back from code that fails";

/// The last entry of the menu of verbs, where the verb is offered that it is done by: its index, and that verb.
pub fn on_another(answer: &FlowAnswer) -> Option<(usize, &VerbOffer)> {
    let resume = answer.verbs.iter().find(|offer| offer.verb == Verb::Resume && answer.deployments)?;
    Some((answer.verbs.len(), resume))
}

/// One and then the rest.
fn probe() -> Waves {
    "probe,rest".parse().unwrap_or_default()
}

/// Everything that may be done: the probe first, then the verbs from the safest on, then the runbooks that are suggested;
/// the others once somebody has asked for them.
pub fn offers(app: &App, whom: &Whom, runbooks: &[RunbookOffer], others: bool) -> Vec<Offer> {
    if let Some(known) = &whom.drift {
        return of_drift(app, whom, known);
    }
    // Those that were marked stand in several ways; what is said is what holds of one that does not try by itself.
    let status = whom.status.unwrap_or(Status::Paused);
    let of = |name: &str, words: &str, verb: Verb, waves: Waves| Offer {
        name: name.into(),
        words: words.into(),
        more: format!("in waves: {waves}").into(),
        choice: Choice::Verb(verb, waves),
        refusal: refusal(app, whom, &[verb]),
    };
    let first = of("probe", "act on one, watch it, then decide: resume, one first", Verb::Resume, probe());
    let verbs = Verb::OF_FLOWS.into_iter().map(|verb| of(verb.label(), verb.words(status), verb, Waves::default()));
    let mut all: Vec<Offer> = std::iter::once(first).chain(verbs).collect();
    if chosen(app, whom).iter().any(|source| source.deployments) {
        // Beside the plain resume, which is the second one.
        all.insert(
            2,
            Offer {
                name: ON_ANOTHER.into(),
                words: ON_ANOTHER_DOES.into(),
                more: "which one is chosen next".into(),
                choice: Choice::Deployment,
                refusal: refusal(app, whom, &[Verb::Resume]),
            },
        );
    }
    let runbook = |offer: &RunbookOffer| {
        let runbook = &offer.runbook;
        let steps: Vec<String> = runbook.steps.iter().map(ToString::to_string).collect();
        let suggested = match offer.suggested {
            0 => "not suggested for any of them".to_owned(),
            count => format!("suggested for {}", grouped(count)),
        };
        let verbs: Vec<Verb> = runbook.steps.iter().map(|step| step.verb).collect();
        Offer {
            name: runbook.id.to_string().into(),
            words: format!("{} ({suggested})", steps.join(", then ")).into(),
            more: runbook.description.clone(),
            choice: Choice::Runbook(runbook.clone()),
            refusal: refusal(app, whom, &verbs),
        }
    };
    all.extend(runbooks.iter().filter(|offer| offers_now(offer, others)).map(runbook));
    let behind = runbooks.iter().filter(|offer| !offers_now(offer, others)).count();
    if behind > 0 {
        all.push(Offer {
            name: "more".into(),
            words: format!("{}, suggested for none of them", plural(behind as u64, "other runbook")).into(),
            more: SafeText::default(),
            choice: Choice::Others,
            refusal: None,
        });
    }
    all
}

/// What may be done to what drifts. The finding that is looked at stands for all of its cause; the plan says of each.
fn of_drift(app: &App, whom: &Whom, known: &KnownDrift) -> Vec<Offer> {
    let verb = |verb: Verb| Offer {
        name: verb.label().into(),
        words: verb.words(Status::Failed).into(),
        more: match verb {
            Verb::Reconcile => known.loses().map(|n| format!("it loses {} of what is there", grouped(n as u64))),
            _ => None,
        }
        .unwrap_or_default()
        .into(),
        choice: Choice::Verb(verb, probe()),
        refusal: refusal(app, whom, &[verb]).or_else(|| known.unfit(verb, app.now)),
    };
    let ignored = known.ignore.is_some();
    let fits = ignored || known.status(app.now) == DriftStatus::Drifted;
    let ignore = Offer {
        name: if ignored { "heed again" } else { "ignore…" }.into(),
        words: if ignored { "no longer left alone" } else { "leaves this one alone until a moment, for a reason" }
            .into(),
        more: "changes nothing in its source".into(),
        choice: Choice::Ignore,
        refusal: app
            .read_only()
            .map(ToString::to_string)
            .or_else(|| (!fits).then(|| "only what has drifted is left alone".to_owned())),
    };
    let adopted = known.adopted().is_some();
    let adopt = Offer {
        name: if adopted { "no longer adopt" } else { "adopt…" }.into(),
        words: if adopted {
            "what its source wants is wanted again"
        } else {
            "what is there of this one is wanted, for a reason"
        }
        .into(),
        more: CHANGE_THERE.into(),
        choice: Choice::Adopt,
        refusal: app.read_only().map(ToString::to_string).or_else(|| (!adopted).then(|| known.unadoptable()).flatten()),
    };
    Verb::OF_DRIFT.into_iter().map(verb).chain([adopt, ignore]).collect()
}

const fn offers_now(offer: &RunbookOffer, others: bool) -> bool {
    others || offer.suggested > 0
}

/// The sources of what was chosen, as far as they are known.
fn chosen<'a>(app: &'a App, whom: &Whom) -> Vec<&'a SourceStatus> {
    let sources = app.overview.value().map(|overview| overview.sources.as_slice()).unwrap_or_default();
    let ours = |source: &&SourceStatus| whom.sources.as_ref().is_none_or(|names| names.contains(&source.name));
    sources.iter().filter(ours).collect()
}

/// Why one of these verbs can't be had of any of them. What holds of some of them alone is said by the plan.
fn refusal(app: &App, whom: &Whom, verbs: &[Verb]) -> Option<String> {
    if let Some(why) = app.read_only() {
        return Some(why.to_string());
    }
    // Nothing is known yet.
    app.overview.value()?;
    let live: Vec<&SourceStatus> =
        chosen(app, whom).into_iter().filter(|source| source.state == Freshness::Live).collect();
    if live.is_empty() {
        return Some("no source of theirs is live: what is not known to be the present is not acted on".to_owned());
    }
    let can = live.iter().any(|source| verbs.iter().all(|verb| source.verbs.contains(verb)));
    (!can).then(|| "their engine does not offer it".to_owned())
}
