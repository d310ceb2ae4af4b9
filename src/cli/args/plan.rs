//! What `quarterdeck plan` takes: a verb or a runbook, for whom, in which waves and at what pace.

use super::Format;
use crate::domain::ids::InstanceId;
use crate::domain::plan::{DEPLOYMENT, PUT_BACK, Pace, Parameters, Waves};
use crate::domain::remediation::Verb;

/// The exit codes of a plan.
pub(super) const CODES: &str = "\
Exit codes: 0 it can be requested, 4 it is not allowed or nobody can be acted on, 3 a source failed, 2 usage or config.";

/// What a plan is to be made of.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct MakePlan {
    /// What is to be done
    #[arg(
        long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(Verb::ALL.map(Verb::name)),
        required_unless_present = "runbook", conflicts_with = "runbook"
    )]
    pub(in crate::cli) verb: Option<String>,
    /// The runbook that is to be carried out; its version, where there are several
    #[arg(long, value_name = "NAME[@VERSION]", conflicts_with_all = ["deployment", "put_back_from"])]
    pub(in crate::cli) runbook: Option<String>,
    /// A parameter of the runbook; `get runbooks` tells which there are
    #[arg(long, value_name = "NAME=VALUE", requires = "runbook", conflicts_with = "verb", value_parser = parameter)]
    pub(in crate::cli) with: Vec<(String, String)>,
    /// Whom each wave takes: one, shares of all, and the rest [default: probe,5%,25%,rest]
    #[arg(long, value_name = "WAVES")]
    pub(in crate::cli) waves: Option<Waves>,
    /// Acts a second [default: 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(in crate::cli) per_second: Option<u32>,
    /// Acts that wait for their answer at one time [default: 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(in crate::cli) concurrency: Option<u32>,
    /// Hold it when more than so many have gone wrong; in a probe none may [default: 3]
    #[arg(long, value_name = "N")]
    pub(in crate::cli) max_errors: Option<u32>,
    /// Resume on this deployment instead of the one that it stays on: the way back from code that fails
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) deployment: Option<String>,
    /// And once all are verified, put their service back to it from this one
    #[arg(long, value_name = "ID", requires = "deployment")]
    pub(in crate::cli) put_back_from: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) format: Format,
    /// What has drifted, by its ids, as `get drift` tells them; for reconcile and restore
    #[arg(long, value_name = "ID", num_args = 1.., conflicts_with_all = ["filter", "cause"], value_parser = finding)]
    pub(in crate::cli) drift: Vec<InstanceId>,
    /// All that has drifted for one cause: its `cause_key`, as `get drift` tells it
    #[arg(long, value_name = "KEY", conflicts_with = "filter")]
    pub(in crate::cli) cause: Option<String>,
    /// Whom, as a filter
    #[arg(value_name = "FILTER", required_unless_present_any = ["drift", "cause"])]
    pub(in crate::cli) filter: Vec<String>,
}

/// An id of a finding.
pub(super) fn finding(text: &str) -> Result<InstanceId, String> {
    InstanceId::parse(text).ok_or_else(|| "an id is written source/id".to_owned())
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| "a name and a value are wanted, as in deployment=dp_1".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}

impl MakePlan {
    /// What the verb is given besides.
    pub(in crate::cli) fn parameters(&self) -> Parameters {
        let given = [(DEPLOYMENT, &self.deployment), (PUT_BACK, &self.put_back_from)];
        given.into_iter().filter_map(|(name, id)| Some((name.into(), id.as_deref()?.into()))).collect()
    }

    /// How fast it is to go.
    pub(in crate::cli) fn pace(&self) -> Pace {
        let usual = Pace::default();
        Pace {
            concurrency: self.concurrency.unwrap_or(usual.concurrency),
            per_second: self.per_second.unwrap_or(usual.per_second),
            max_errors: self.max_errors.unwrap_or(usual.max_errors),
        }
    }
}
