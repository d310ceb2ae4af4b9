//! What the commands take that ask for a remediation, agree to it and carry it out.

use jiff::SignedDuration;

use super::Format;

/// The exit codes of what is said of remediations.
pub(super) const CODES: &str = "\
Exit codes: 0 done, 2 usage or config, 3 a source failed, 4 it waits for approval or is refused, 5 partial, failed or held,
6 nobody knows, 70 the ledger can't be had.";

/// A plan that is to be carried out.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Request {
    /// The plan's hash, as `quarterdeck plan` printed it
    #[arg(value_name = "HASH")]
    pub(in crate::cli) hash: String,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: String,
    /// The ticket that it belongs to
    #[arg(long, value_name = "TICKET")]
    pub(in crate::cli) ticket: Option<String>,
    /// Override a freeze as this role, for the reason that is given; it is recorded as borrowed time
    #[arg(long, value_name = "ROLE")]
    pub(in crate::cli) break_glass: Option<String>,
    /// For how long the override lasts
    #[arg(long = "for", value_name = "TIME", default_value = "30m", value_parser = super::lasting, requires = "break_glass")]
    pub(in crate::cli) lasting: SignedDuration,
    #[command(flatten)]
    pub(in crate::cli) format: Format,
}

/// What somebody says of what another one has asked for.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Review {
    /// The remediation's id
    #[arg(value_name = "ID")]
    pub(in crate::cli) id: String,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) comment: String,
    /// The hash of the plan that was looked at; where it is another one now, nothing is approved
    #[arg(long, value_name = "HASH")]
    pub(in crate::cli) plan: Option<String>,
    /// The plan's four words, where one operator works alone (solo = true)
    #[arg(long, value_name = "WORDS")]
    pub(in crate::cli) code: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) format: Format,
}

/// A remediation that is started.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Run {
    #[command(flatten)]
    pub(in crate::cli) named: Named,
    /// Wait for its end, also where another process carries it out
    #[arg(long)]
    pub(in crate::cli) wait: bool,
}

/// A remediation.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Named {
    /// The remediation's id
    #[arg(value_name = "ID")]
    pub(in crate::cli) id: String,
    #[command(flatten)]
    pub(in crate::cli) format: Format,
}

/// A remediation that is to be taken back.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Rollback {
    #[command(flatten)]
    pub(in crate::cli) named: Named,
    /// Why, for the record [default: that it is taken back]
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: Option<String>,
    /// The ticket that it belongs to
    #[arg(long, value_name = "TICKET")]
    pub(in crate::cli) ticket: Option<String>,
}

/// Which remediations are listed.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Listed {
    /// At most this many
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(in crate::cli) limit: usize,
    #[command(flatten)]
    pub(in crate::cli) format: Format,
}

/// Something that somebody has armed again.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Rearm {
    /// Its id, as `quarterdeck get side-effects` prints it
    #[arg(value_name = "ID")]
    pub(in crate::cli) id: String,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: String,
}
