//! On which code instances may go on, and putting their service back to earlier code.

use std::sync::Arc;

use super::Hub;
use crate::domain::deployment::{Deployments, PutBack, service_of};
use crate::domain::flow::{FlowInstance, JudgedFlow};
use crate::domain::plan::{DEPLOYMENT, PUT_BACK, Parameters};
use crate::domain::policy::MOST_TARGETS;
use crate::domain::text::SafeText;
use crate::ops::{Ops as _, OpsError, Selection};

/// One of them, where all are of one service of one source.
fn one_service(rows: &[Arc<JudgedFlow>]) -> Option<&FlowInstance> {
    let first = &rows.first()?.flow;
    let same = |row: &Arc<JudgedFlow>| {
        row.flow.id.source == first.id.source && service_of(&row.flow.flow) == service_of(&first.flow)
    };
    rows.iter().all(same).then_some(first)
}

impl Hub {
    /// The deployments on which those that are chosen may go on.
    pub(super) async fn deployments_of(&self, of: &Selection) -> Result<Deployments, OpsError> {
        let rows = self.select(of, usize::try_from(MOST_TARGETS).unwrap_or(usize::MAX)).await?.rows;
        if rows.is_empty() {
            return Err(OpsError::Refused("nothing matches any more".into()));
        }
        let flow = one_service(&rows).ok_or_else(|| {
            OpsError::Refused(
                "they are of several services, and each has deployments of its own: narrow it down".into(),
            )
        })?;
        let (source, service) = (flow.id.source.clone(), SafeText::from(service_of(&flow.flow)));
        let all = self.source(&source)?.connector.deployments(&flow.flow).await;
        let all = all.map_err(|error| OpsError::Source(error.to_string().into()))?;
        if all.is_empty() {
            return Err(OpsError::Refused(format!("{source} tells of no deployment of {service}").into()));
        }
        Ok(Deployments { source, service, all })
    }
}

impl Hub {
    /// Of which flow the service is put back in the end, where that is wished for, and what that does.
    pub(super) async fn puts_back(
        &self,
        parameters: &Parameters,
        rows: &[Arc<JudgedFlow>],
    ) -> Result<Option<(SafeText, PutBack)>, OpsError> {
        let named = |name: &str| parameters.get(&SafeText::from(name));
        let Some(from) = named(PUT_BACK) else { return Ok(None) };
        let refused = |why: &str| OpsError::Refused(why.into());
        let to = named(DEPLOYMENT).ok_or_else(|| refused("to put a service back, say to which deployment"))?;
        let flow = one_service(rows)
            .ok_or_else(|| refused("they are of several services, and one is put back at a time: narrow the filter"))?;
        let connector = &self.source(&flow.id.source)?.connector;
        match connector.plan_put_back(&flow.flow, from, to).await {
            Ok(told) => Ok(Some((flow.flow.clone(), told))),
            Err(error) => Err(OpsError::Refused(format!("the service can't be put back: {error}").into())),
        }
    }
}
