//! The plan that takes a remediation back: those of its items that held and are still as it left them, and why not the
//! others.

use std::collections::BTreeSet;

use super::Hub;
use super::deciding::Asked;
use crate::domain::ids::InstanceId;
use crate::domain::plan::{Skipped, WidePlan};
use crate::domain::rollback::{inverse, left_out};
use crate::domain::text::SafeText;
use crate::ops::{Ops as _, OpsError, PlanWish, Selection};

impl Hub {
    /// The plan that takes a remediation back. Changes nothing.
    pub(super) async fn rollback_of(&self, id: &str) -> Result<WidePlan, OpsError> {
        let detail = self.runs()?.to_take_back(id).await?;
        let frozen = &detail.head.plan.frozen;
        let inverse = inverse(frozen).map_err(|why| OpsError::Refused(why.into()))?;
        let mut skipped = Vec::new();
        let mut ids: BTreeSet<InstanceId> = BTreeSet::new();
        for item in detail.items.iter() {
            match left_out(item.state, item.steps) {
                None => _ = ids.insert(item.target.id.clone()),
                Some(why) => skipped.push((item.target.id.clone(), SafeText::from(why))),
            }
        }
        let held = if frozen.remedy.is_of_drift() {
            self.drifting_now(&ids).await?
        } else {
            self.select(&Selection::Ids(ids.clone()), ids.len()).await?.rows
        };
        let mut gone = ids.clone();
        for row in &held {
            gone.remove(&row.flow.id);
            if let Some(why) = inverse.undone(&row.flow) {
                ids.remove(&row.flow.id);
                skipped.push((row.flow.id.clone(), why));
            }
        }
        for id in gone {
            ids.remove(&id);
            skipped.push((id, "its source does not list it any more: it has ended, or is gone".into()));
        }
        if ids.is_empty() {
            let why = skipped.first().map(|(_, why)| why.to_string()).unwrap_or_default();
            let many = skipped.len();
            let why =
                format!("{} can't be taken back: of its {many} items none is as it left them: {why}", detail.head.id);
            return Err(OpsError::Refused(why.into()));
        }
        let wish = PlanWish {
            remedy: inverse.0,
            selection: Selection::Ids(ids),
            waves: frozen.waves.clone(),
            pace: frozen.pace,
        };
        let mut plan =
            self.wide_plan(&wish, &Asked { takes_back: true, ..Asked::by(self.gate.operator.clone()) }).await?;
        plan.skipped.extend(skipped.into_iter().map(|(id, reason)| Skipped { id, reason }));
        plan.skipped.sort_unstable();
        Ok(plan)
    }
}
