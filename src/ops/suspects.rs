//! What may have caused a cohort, as it is answered.

use crate::domain::cohort::Cohort;
use crate::domain::correlation::{SharedDrift, Suspects};
use crate::domain::text::SafeText;

/// What may have caused a cohort.
#[derive(Debug, Clone, PartialEq)]
pub struct CohortSuspects {
    /// The cohort, as it is now.
    pub cohort: Cohort,
    /// The changes before its onset.
    pub suspects: Suspects,
    /// The drift that its tenants share.
    pub drift: Vec<SharedDrift>,
    /// How many sources tell of drift at all.
    pub drift_sources: usize,
    /// Those of them that are not live, each with why.
    pub drift_blind: Vec<(SafeText, SafeText)>,
}
