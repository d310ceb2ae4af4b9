//! Something asked of somebody else: what is known of it, and how well.

use jiff::Timestamp;

use crate::ops::OpsError;

/// What is known of something that was asked for. Each state looks different on screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Remote<T> {
    /// Never asked for.
    Never,
    /// Asked for the first time, since then.
    Loading(Timestamp),
    /// Had.
    Fresh {
        /// What was had.
        value: T,
        /// When, by the local clock.
        at: Timestamp,
    },
    /// Had once; asked again since and not had.
    Stale {
        /// What was had.
        value: T,
        /// When, by the local clock.
        at: Timestamp,
        /// Why not again.
        error: OpsError,
    },
    /// Asked for and not had.
    Failed(OpsError),
}

impl<T> Remote<T> {
    /// The value, of whatever age.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Fresh { value, .. } | Self::Stale { value, .. } => Some(value),
            Self::Never | Self::Loading(_) | Self::Failed(_) => None,
        }
    }

    /// Why the last question was not answered.
    pub fn error(&self) -> Option<&OpsError> {
        match self {
            Self::Stale { error, .. } | Self::Failed(error) => Some(error),
            Self::Never | Self::Loading(_) | Self::Fresh { .. } => None,
        }
    }

    /// Notes that the question has been asked; what was had is kept.
    pub fn asked(&mut self, now: Timestamp) {
        if matches!(self, Self::Never | Self::Failed(_)) {
            *self = Self::Loading(now);
        }
    }

    /// Takes an answer.
    pub fn answered(&mut self, answer: Result<T, OpsError>, now: Timestamp) {
        *self = match (answer, std::mem::replace(self, Self::Never)) {
            (Ok(value), _) => Self::Fresh { value, at: now },
            (Err(error), Self::Fresh { value, at } | Self::Stale { value, at, .. }) => Self::Stale { value, at, error },
            (Err(error), _) => Self::Failed(error),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_what_was_had() {
        let at = Timestamp::UNIX_EPOCH;
        let error = OpsError::Source("silent".into());
        let mut remote = Remote::Never;
        remote.asked(at);
        assert_eq!(remote, Remote::Loading(at));
        remote.answered(Err(error.clone()), at);
        assert_eq!(remote, Remote::Failed(error.clone()));
        remote.answered(Ok(1), at);
        remote.asked(at);
        assert_eq!(remote, Remote::Fresh { value: 1, at });
        remote.answered(Err(error.clone()), at);
        assert_eq!(remote, Remote::Stale { value: 1, at, error });
        assert_eq!(remote.value(), Some(&1));
    }
}
