//! What may be done to all that were chosen. Choosing one makes a plan, and changes nothing.

use super::Whom;
use crate::cockpit::app::App;
use crate::domain::flow::Status;
use crate::domain::plan::{Pace, Parameters, Waves};
use crate::domain::remediation::{Verb, VerbOffer};
use crate::domain::remedy::Remedy;
use crate::domain::source::{Freshness, SourceStatus};
use crate::ops::{FlowAnswer, PlanWish};

/// What choosing an offer leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// A plan.
    Plan,
    /// A choice of deployments, and then a plan.
    Deployment,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its name.
    pub name: &'static str,
    /// What happens.
    pub words: &'static str,
    /// What choosing it leads to.
    pub does: Does,
    /// The verb.
    pub verb: Verb,
    /// In which waves.
    pub waves: Waves,
    /// Why it can't be had; `None` where it can.
    pub refusal: Option<String>,
}

impl Offer {
    /// The plan that is to be made.
    pub fn wish(&self, whom: &Whom) -> PlanWish {
        PlanWish {
            remedy: Remedy::Verb(self.verb, Parameters::new()),
            selection: whom.selection.clone(),
            waves: self.waves.clone(),
            pace: Pace::default(),
        }
    }
}

/// The name of resuming on other code, in a menu.
pub const ON_ANOTHER: &str = "resume on…";

/// What it does.
pub const ON_ANOTHER_DOES: &str = "on another deployment: the way back from code that fails";

/// The last entry of the menu of verbs, where the verb is offered that it is done by: its index, and that verb.
pub fn on_another(answer: &FlowAnswer) -> Option<(usize, &VerbOffer)> {
    let resume = answer.verbs.iter().find(|offer| offer.verb == Verb::Resume)?;
    Some((answer.verbs.len(), resume))
}

/// One and then the rest.
fn probe() -> Waves {
    "probe,rest".parse().unwrap_or_default()
}

/// Everything that may be done, the probe first, then the verbs from the safest on.
pub fn offers(app: &App, whom: &Whom) -> Vec<Offer> {
    // Those that were marked stand in several ways; what is said is what holds of one that does not try by itself.
    let status = whom.status.unwrap_or(Status::Paused);
    let first = Offer {
        name: "probe",
        words: "act on one, watch it, then decide: resume, one first",
        does: Does::Plan,
        verb: Verb::Resume,
        waves: probe(),
        refusal: refusal(app, whom, Verb::Resume),
    };
    let all = Verb::ALL.into_iter().map(|verb| Offer {
        name: verb.label(),
        words: verb.words(status),
        does: Does::Plan,
        verb,
        waves: Waves::default(),
        refusal: refusal(app, whom, verb),
    });
    let elsewhere = Offer {
        name: ON_ANOTHER,
        words: ON_ANOTHER_DOES,
        does: Does::Deployment,
        verb: Verb::Resume,
        waves: Waves::default(),
        refusal: refusal(app, whom, Verb::Resume),
    };
    let mut offers: Vec<Offer> = std::iter::once(first).chain(all).collect();
    // Beside the plain resume, which is the second one.
    offers.insert(2, elsewhere);
    offers
}

/// Why a verb can't be had of any of them. What holds of some of them alone is said by the plan.
fn refusal(app: &App, whom: &Whom, verb: Verb) -> Option<String> {
    if let Some(why) = app.read_only() {
        return Some(why.to_string());
    }
    let overview = app.overview.value()?;
    let ours = |source: &&SourceStatus| whom.sources.as_ref().is_none_or(|names| names.contains(&source.name));
    let sources: Vec<&SourceStatus> = overview.sources.iter().filter(ours).collect();
    let live: Vec<&&SourceStatus> = sources.iter().filter(|source| source.state == Freshness::Live).collect();
    if live.is_empty() {
        return Some("no source of theirs is live: what is not known to be the present is not acted on".to_owned());
    }
    let can = live.iter().any(|source| source.verbs.contains(&verb));
    (!can).then(|| "their engine does not offer it".to_owned())
}
