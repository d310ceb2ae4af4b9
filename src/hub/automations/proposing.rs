//! Asking for what an automation would do: the same plan, policies and approvals as for anybody. It never starts: a
//! person has to agree first, whatever the policies say, and no freeze is overridden.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::Hub;
use super::super::deciding::Asked;
use super::super::runs::Runs;
use crate::domain::automation::{Automation, actor};
use crate::domain::ids::InstanceId;
use crate::domain::plan::{Pace, Parameters, Waves};
use crate::domain::remedy::Remedy;
use crate::domain::text::SafeText;
use crate::ops::{OpsError, PlanWish, RequestOf, Selection};

/// Asks that it be done to these, and gives the remediation that now waits for somebody. What is refused is in the audit.
pub(super) async fn ask(
    hub: &Hub,
    runs: &Arc<Runs>,
    automation: &Automation,
    ids: BTreeSet<InstanceId>,
) -> Result<SafeText, OpsError> {
    let by = actor(&automation.name);
    let mut plan_hash = SafeText::default();
    let asked = async {
        let wish = PlanWish {
            remedy: Remedy::Verb(automation.verb, Parameters::new()),
            selection: Selection::Ids(ids),
            waves: Waves::default(),
            pace: Pace::default(),
        };
        let plan = hub.wide_plan(&wish, &Asked::by(by.clone())).await?;
        plan_hash = plan.hash.clone();
        let unkept = |error| OpsError::Journal(format!("the plan can't be kept: {error}").into());
        runs.keep(&plan, &by).await.map_err(unkept)?;
        let request = RequestOf {
            plan_hash: plan.hash.clone(),
            reason: automation.reason.clone(),
            ticket: None,
            takes_back: None,
            break_glass: None,
        };
        let rows = hub.targets_of(&plan.frozen).await?;
        runs.request(&by, &request, &rows).await
    };
    match asked.await {
        Ok(head) => Ok(head.id.clone()),
        Err(error) => runs.refused(&by, &plan_hash, "request", error).await,
    }
}
