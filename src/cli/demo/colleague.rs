//! Somebody else in the demo, who asks for something that you are to approve: nobody approves their own requests, so
//! that alone this could not be tried.

use std::collections::BTreeSet;

use crate::domain::plan::{Pace, Parameters, Waves};
use crate::domain::remediation::Verb;
use crate::domain::remedy::Remedy;
use crate::hub::ledger::Ledger;
use crate::hub::{Hub, Setup};
use crate::ops::{Ops as _, OpsError, PlanWish, RequestOf, Selection};
use crate::query::Filter;

/// Their name.
pub(in crate::cli) const NAME: &str = "sam";

/// The largest cohort of the demo's first moment: more targets than nobody has to approve.
const OF: &str = "flow:schema-migration rule:exhausted";

/// A hub of theirs, that is to be.
pub(in crate::cli) struct Colleague {
    pub(in crate::cli) setup: Setup,
    /// The ledger of yours, where it is in memory.
    pub(in crate::cli) ledger: Option<Ledger>,
}

impl Colleague {
    /// Asks that the demo's largest cohort be resumed, where nobody has asked for anything in it yet. `yours` knows that:
    /// a second look at the ledger is taken only where something is to be asked.
    pub(in crate::cli) async fn asks(self, yours: &Hub) {
        if yours.wide_remediations_in_all().await.is_ok_and(|count| count > 0) {
            return;
        }
        let hub = match self.ledger {
            Some(ledger) => Hub::on(self.setup, Ok(ledger)),
            None => Hub::new(self.setup),
        };
        if let Err(why) = ask(&hub).await {
            // They are no part of what the demo has to show.
            tracing::warn!(%why, "nobody asks for anything");
        }
    }
}

async fn ask(colleague: &Hub) -> Result<(), OpsError> {
    colleague.pass().await;
    let filter = Filter::parse(OF).map_err(|error| OpsError::Refused(error.to_string().into()))?;
    let wish = PlanWish {
        remedy: Remedy::Verb(Verb::Resume, Parameters::new()),
        selection: Selection::Matching { filter, without: BTreeSet::new() },
        waves: Waves::default(),
        pace: Pace::default(),
    };
    let plan = colleague.plan_of_many(&wish).await?;
    let request = RequestOf {
        plan_hash: plan.hash,
        reason: "the migration that was left out is applied now".into(),
        ticket: Some("CHG-2041".into()),
        takes_back: None,
        break_glass: None,
    };
    colleague.request(&request).await.map(drop)
}
