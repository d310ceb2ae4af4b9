//! Choosing the deployment on which instances are to go on, and whether their service is put back to it in the end.

use super::Whom;
use crate::cockpit::remote::Remote;
use crate::domain::deployment::{Deployment, Deployments};
use crate::domain::plan::{DEPLOYMENT, PUT_BACK, Pace, Parameters, Waves};
use crate::domain::remediation::Verb;
use crate::domain::remedy::Remedy;
use crate::ops::PlanWish;

/// A deployment that is being chosen.
#[derive(Debug, Clone)]
pub struct Picker {
    /// For whom.
    pub whom: Whom,
    /// What there is to choose from.
    pub answer: Remote<Deployments>,
    /// The index of the one under the cursor.
    pub index: usize,
    /// Whether the service is put back to it, once all are verified.
    pub put_back: bool,
}

impl Picker {
    /// The one under the cursor.
    pub fn target(&self) -> Option<&Deployment> {
        self.answer.value()?.all.get(self.index)
    }

    /// The one from which the service would be put back; why it can't be.
    pub fn from(&self) -> Result<&Deployment, String> {
        let (Some(all), Some(target)) = (self.answer.value(), self.target()) else {
            return Err("nothing is known of them yet".to_owned());
        };
        if target.current {
            return Err(format!("{} is the current one: there is nothing to put back", target.id));
        }
        all.current().ok_or_else(|| "the engine knows of no current deployment of it".to_owned())
    }

    /// The plan that is to be made.
    pub fn wish(&self) -> Option<PlanWish> {
        let target = self.target()?;
        let mut parameters = Parameters::from([(DEPLOYMENT.into(), target.id.clone())]);
        if self.put_back
            && let Ok(from) = self.from()
        {
            parameters.insert(PUT_BACK.into(), from.id.clone());
        }
        Some(PlanWish {
            remedy: Remedy::Verb(Verb::Resume, parameters),
            selection: self.whom.selection.clone(),
            waves: Waves::default(),
            pace: Pace::default(),
        })
    }
}
