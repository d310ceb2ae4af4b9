//! The order and the groups in which instances are listed.

/// What flows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SortBy {
    /// Stuck first, those stuck longest on top.
    #[default]
    Worst,
    /// How long it has been as it is, the longest first.
    For,
    /// The flow, then the step.
    Flow,
    /// The step, then the flow.
    Step,
    /// The tenant.
    Tenant,
    /// The status.
    Status,
    /// The number of attempts.
    Attempts,
    /// The error.
    Error,
    /// The source.
    Source,
    /// The time of creation.
    Created,
    /// The id.
    Id,
}

impl SortBy {
    /// Every order, in the sequence of the menu.
    pub const ALL: [Self; 11] = [
        Self::Worst,
        Self::For,
        Self::Flow,
        Self::Step,
        Self::Tenant,
        Self::Status,
        Self::Attempts,
        Self::Error,
        Self::Source,
        Self::Created,
        Self::Id,
    ];

    /// Its name on screen and in the config.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Worst => "worst",
            Self::For => "for",
            Self::Flow => "flow",
            Self::Step => "step",
            Self::Tenant => "tenant",
            Self::Status => "status",
            Self::Attempts => "attempts",
            Self::Error => "error",
            Self::Source => "source",
            Self::Created => "created",
            Self::Id => "id",
        }
    }

    /// What comes first.
    pub const fn doc(self) -> &'static str {
        match self {
            Self::Worst => "stuck first, the longest on top",
            Self::For => "the longest as it is on top",
            Self::Flow => "by flow, then step",
            Self::Step => "by step, then flow",
            Self::Tenant => "by tenant; those without one last",
            Self::Status => "by status",
            Self::Attempts => "the most attempts on top",
            Self::Error => "by error; those without one last",
            Self::Source => "by source",
            Self::Created => "the oldest on top",
            Self::Id => "by id",
        }
    }

    /// The order of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.name() == name)
    }
}

/// What flows are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupBy {
    /// The flow.
    Flow,
    /// The step.
    Step,
    /// The rule that makes it stuck.
    Rule,
    /// The status.
    Status,
    /// The tenant.
    Tenant,
    /// The source.
    Source,
    /// The error, masked as in cohorts.
    Error,
}

impl GroupBy {
    /// Every one, in the sequence of the menu.
    pub const ALL: [Self; 7] =
        [Self::Flow, Self::Step, Self::Rule, Self::Status, Self::Tenant, Self::Source, Self::Error];

    /// Its name on screen, on the command line and in the config.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flow => "flow",
            Self::Step => "step",
            Self::Rule => "rule",
            Self::Status => "status",
            Self::Tenant => "tenant",
            Self::Source => "source",
            Self::Error => "error",
        }
    }

    /// What the instances of no group are called.
    pub const fn nothing(self) -> &'static str {
        match self {
            Self::Rule => "not stuck",
            Self::Tenant => "tenant not known",
            Self::Error => "no error",
            Self::Flow | Self::Step | Self::Status | Self::Source => "not known",
        }
    }

    /// The one of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.name() == name)
    }
}
