//! Deployments: the code from which a service was registered, and what it means to put a service back to earlier code.
//!
//! An instance stays on the deployment on which it was begun, until it is resumed on another one. New instances begin on
//! the current deployment of their service: the one of the highest revision.

use jiff::Timestamp;

use super::remediation::Risk;
use super::text::SafeText;

/// Code from which a service was registered, as that service sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The engine's own id.
    pub id: SafeText,
    /// The service's revision from it: whatever was registered later has a higher one.
    pub revision: u64,
    /// When it was registered, or registered anew, by the engine's clock.
    pub created_at: Timestamp,
    /// Whether new instances of the service begin on it.
    pub current: bool,
    /// How many open instances of the service stay on it.
    pub pinned: u64,
    /// How many of these are paused, or wait for their next try.
    pub failing: u64,
    /// Where its code is reached, without credentials.
    pub address: SafeText,
    /// What its code says to be written with.
    pub sdk: Option<SafeText>,
}

impl Deployment {
    /// Puts deployments in the order in which they are shown: the newest revision first.
    pub fn newest_first(deployments: &mut [Self]) {
        deployments.sort_by(|one, other| (other.revision, &other.id).cmp(&(one.revision, &one.id)));
    }
}

/// What there is to choose from where instances of a service are to go on on other code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployments {
    /// The source.
    pub source: SafeText,
    /// The service.
    pub service: SafeText,
    /// Its deployments, the newest revision first.
    pub all: Vec<Deployment>,
}

impl Deployments {
    /// The one on which new instances begin.
    pub fn current(&self) -> Option<&Deployment> {
        self.all.iter().find(|deployment| deployment.current)
    }
}

/// The service of a flow, which is `service/handler`, or has but one.
pub fn service_of(flow: &str) -> &str {
    flow.split_once('/').map_or(flow, |(service, _)| service)
}

/// What putting a service back to an earlier deployment would do. Changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutBack {
    /// The service.
    pub service: SafeText,
    /// Where it is now.
    pub from: Deployment,
    /// Where it is to be.
    pub to: Deployment,
    /// Every service that goes with it, itself among them.
    pub moves: Vec<SafeText>,
    /// What the engine will do, in words.
    pub effect: SafeText,
    /// What that may cost.
    pub risk: Risk,
    /// What does not work any more until somebody takes it back, in words.
    pub switches_off: SafeText,
    /// How it is taken back.
    pub way_back: SafeText,
}

/// On which code an instance stays, and on which one a new one would begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The deployment that it stays on.
    pub deployment: SafeText,
    /// The current one of its service; `None` where the engine knows of no such service any more.
    pub current: Option<SafeText>,
}

impl Pinned {
    /// That it is not on its service's current deployment, in words; `None` where it is.
    pub fn apart(&self) -> Option<String> {
        let pinned = &self.deployment;
        match &self.current {
            Some(current) if current == pinned => None,
            Some(current) => Some(format!("it stays on {pinned}, which is not the current deployment ({current})")),
            None => Some(format!("it stays on {pinned}, and the engine knows of no current deployment of its service")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(id: &str, revision: u64) -> Deployment {
        Deployment {
            id: id.into(),
            revision,
            created_at: Timestamp::UNIX_EPOCH,
            current: false,
            pinned: 0,
            failing: 0,
            address: "http://worker.test/".into(),
            sdk: None,
        }
    }

    #[test]
    fn the_newest_revision_stands_first() {
        // One that was registered anew is newer than what came between.
        let mut all = [deployment("dp_b", 2), deployment("dp_c", 1), deployment("dp_a", 3), deployment("dp_d", 1)];
        Deployment::newest_first(&mut all);
        assert_eq!(all.map(|deployment| deployment.id.to_string()), ["dp_a", "dp_b", "dp_d", "dp_c"]);
    }

    #[test]
    fn whether_an_instance_is_on_current_code() {
        let on = |current: Option<&str>| Pinned { deployment: "dp_1".into(), current: current.map(SafeText::from) };
        assert_eq!(on(Some("dp_1")).apart(), None);
        let apart = on(Some("dp_2")).apart().unwrap();
        assert_eq!(apart, "it stays on dp_1, which is not the current deployment (dp_2)");
        let unknown = on(None).apart().unwrap();
        assert_eq!(unknown, "it stays on dp_1, and the engine knows of no current deployment of its service");
    }
}
