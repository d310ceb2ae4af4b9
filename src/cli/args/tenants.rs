//! The words of the command line for tenants and what happens.

use super::Format;

/// What `get tenants` is asked.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Tenants {
    /// What they are found by: an id, a name, a domain, an address, or a part of one
    #[arg(value_name = "TEXT")]
    pub(in crate::cli) text: Vec<String>,
    /// At most this many
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub(in crate::cli) limit: usize,
    #[command(flatten)]
    pub(in crate::cli) format: Format,
}

/// What `get tenant` is asked.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Tenant {
    /// Which one: source/id as the list names it, or the id alone where it names one
    #[arg(value_name = "ID")]
    pub(in crate::cli) id: String,
    /// What customers are told, and nothing else
    #[arg(long)]
    pub(in crate::cli) customer: bool,
    /// The whole case as Markdown, with the last rows of the timeline: to be handed on
    #[arg(long, conflicts_with = "output")]
    pub(in crate::cli) markdown: bool,
    #[command(flatten)]
    pub(in crate::cli) format: Format,
}

/// What `get timeline` is asked.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Timeline {
    /// Whose: source/id as the list of tenants names it, or the id alone where it names one
    #[arg(value_name = "TENANT")]
    pub(in crate::cli) tenant: String,
    /// At most this many rows, the latest ones
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub(in crate::cli) limit: usize,
    #[command(flatten)]
    pub(in crate::cli) format: Format,
}

/// What `get suspects` is asked.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Suspects {
    /// Which cohort, by its id as the board names it
    #[arg(value_name = "COHORT")]
    pub(in crate::cli) cohort: String,
    #[command(flatten)]
    pub(in crate::cli) format: Format,
}

/// What `get events` is asked.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Events {
    /// A filter: class:change,deployment tenant:acme service:billing type:com.example.* by: severity: "a text"
    #[arg(value_name = "FILTER")]
    pub(in crate::cli) filter: Vec<String>,
    /// At most this many, the newest ones
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub(in crate::cli) limit: usize,
    #[command(flatten)]
    pub(in crate::cli) format: Format,
}
