//! Tenants: whom the flows are for, as a directory of theirs tells it.
//!
//! What is personal or secret is held and not shown: it is found by, and revealed to who asks for it by name, which is
//! recorded.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::InstanceId;
use super::text::SafeText;

/// Where a tenant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantStatus {
    /// It is being set up.
    Provisioning,
    /// It works.
    Active,
    /// It works in part.
    Degraded,
    /// It was stopped on purpose.
    Suspended,
    /// It is being removed.
    Deleting,
    /// It is gone.
    Deleted,
    /// Its directory does not say, or in a word that is not known.
    Unknown,
}

impl TenantStatus {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Provisioning,
        Self::Active,
        Self::Degraded,
        Self::Suspended,
        Self::Deleting,
        Self::Deleted,
        Self::Unknown,
    ];

    /// Its name in JSON, on screen and in the filter language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Active => "active",
            Self::Degraded => "degraded",
            Self::Suspended => "suspended",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
            Self::Unknown => "unknown",
        }
    }

    /// The status of a name, whatever its case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name().eq_ignore_ascii_case(name))
    }
}

/// Whether a field may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldClass {
    /// To anybody who may see the tenant.
    Plain,
    /// It says something of a person: to who asks for it, which is recorded.
    Personal,
    /// A credential: to nobody. It is not held.
    Secret,
}

impl FieldClass {
    /// Its name in JSON and in the config.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Personal => "personal",
            Self::Secret => "secret",
        }
    }
}

/// Something that a directory tells of a tenant besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: SafeText,
    /// Its value; empty for a secret.
    pub value: SafeText,
    /// Whether it may be shown.
    pub class: FieldClass,
}

/// How much of something is used of what may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Of what: `seats`, `storage_gb`.
    pub what: SafeText,
    /// How much is used; `None` where that is not known.
    pub used: Option<u64>,
    /// How much may be; `None` where nothing limits it, or that is not known.
    pub limit: Option<u64>,
}

/// A tenant, as its directory told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// The directory, and its own id of it. The id without the source is what flows, findings and events name.
    pub id: InstanceId,
    /// False where scrubbing changed the directory's id: then nothing is joined to it.
    pub exact_id: bool,
    /// Its name.
    pub name: SafeText,
    /// Its domains.
    pub domains: Vec<SafeText>,
    /// Where it stands.
    pub status: TenantStatus,
    /// What it pays for.
    pub plan: Option<SafeText>,
    /// How much it matters: `gold`.
    pub tier: Option<SafeText>,
    /// Where it lives.
    pub region: Option<SafeText>,
    /// On which cell, shard or cluster.
    pub placement: Option<SafeText>,
    /// Who looks after it.
    pub owner: Option<SafeText>,
    /// What runs for it, and in which version: `policy` in `v3`.
    pub versions: Vec<(SafeText, SafeText)>,
    /// What it uses.
    pub usage: Vec<Usage>,
    /// Names and values that are for whoever set it up.
    pub labels: Vec<(SafeText, SafeText)>,
    /// What kind of data it has.
    pub data_class: Option<SafeText>,
    /// Everything else, each with whether it may be shown. It is found by these, too: an address, an order.
    pub fields: Vec<Field>,
    /// When it came to be.
    pub created_at: Option<Timestamp>,
    /// When it was changed last.
    pub changed_at: Option<Timestamp>,
    /// When this was told, by the source's clock.
    pub observed_at: Timestamp,
}

/// By what a tenant was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FoundBy {
    /// Its id, in whole.
    Id,
    /// Its name, in whole.
    Name,
    /// One of its domains, in whole.
    Domain,
    /// A field, in whole; only its name is told.
    Field(SafeText),
    /// How its id, its name or a domain begins.
    Beginning,
    /// A part of its id, its name or a domain.
    Part,
    /// The letters of its id or its name, in their order and with others between them.
    Letters,
}

impl FoundBy {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Id => "its id".to_owned(),
            Self::Name => "its name".to_owned(),
            Self::Domain => "its domain".to_owned(),
            Self::Field(name) => name.to_string(),
            Self::Beginning => "how it begins".to_owned(),
            Self::Part => "a part".to_owned(),
            Self::Letters => "its letters".to_owned(),
        }
    }
}

impl Tenant {
    /// One of which nothing is known but the name by which others tell of it, and who does.
    pub fn unlisted(source: &SafeText, name: &SafeText, now: Timestamp) -> Self {
        Self {
            id: InstanceId { source: source.clone(), instance: name.clone() },
            exact_id: true,
            name: name.clone(),
            domains: Vec::new(),
            status: TenantStatus::Unknown,
            plan: None,
            tier: None,
            region: None,
            placement: None,
            owner: None,
            versions: Vec::new(),
            usage: Vec::new(),
            labels: Vec::new(),
            data_class: None,
            fields: Vec::new(),
            created_at: None,
            changed_at: None,
            observed_at: now,
        }
    }

    /// The same without the values of what is personal or secret.
    #[must_use]
    pub fn shown(&self) -> Self {
        let mut shown = self.clone();
        for field in &mut shown.fields {
            if field.class != FieldClass::Plain {
                field.value = SafeText::default();
            }
        }
        shown
    }

    /// By what of it `wanted` finds it, the surest first; `None` where it does not. Personal fields find it in whole alone,
    /// so that nobody learns them letter by letter.
    pub fn found_by(&self, wanted: &str) -> Option<FoundBy> {
        let wanted = wanted.trim().to_lowercase();
        if wanted.is_empty() {
            return None;
        }
        if is(&self.id.instance, &wanted) {
            return Some(FoundBy::Id);
        }
        if is(&self.name, &wanted) {
            return Some(FoundBy::Name);
        }
        if self.domains.iter().any(|domain| is(domain, &wanted)) {
            return Some(FoundBy::Domain);
        }
        let mut held = self.fields.iter().filter(|field| field.class != FieldClass::Secret);
        if let Some(field) = held.find(|field| is(&field.value, &wanted)) {
            return Some(FoundBy::Field(field.name.clone()));
        }
        let open = || [&self.id.instance, &self.name].into_iter().chain(&self.domains);
        let places = open().filter_map(|text| place(text, &wanted));
        places.min().map(|at| if at == 0 { FoundBy::Beginning } else { FoundBy::Part })
    }
}

/// Whether a text is another one, letters' case aside. `lower` is in lower case. Tens of thousands are compared with each
/// letter that is typed, so that texts of ASCII are not copied for it.
fn is(text: &str, lower: &str) -> bool {
    if text.is_ascii() { text.eq_ignore_ascii_case(lower) } else { text.to_lowercase() == lower }
}

/// Where a text holds another one, letters' case aside, by its first byte.
fn place(text: &str, lower: &str) -> Option<usize> {
    if !text.is_ascii() {
        return text.to_lowercase().find(lower);
    }
    text.as_bytes().windows(lower.len()).position(|part| part.eq_ignore_ascii_case(lower.as_bytes()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn tenant(id: &str, name: &str) -> Tenant {
        Tenant {
            id: InstanceId::new("directory", id),
            exact_id: true,
            name: name.into(),
            domains: vec![format!("{id}.example").into()],
            status: TenantStatus::Active,
            plan: Some("team".into()),
            tier: Some("gold".into()),
            region: Some("eu-west-1".into()),
            placement: None,
            owner: None,
            versions: Vec::new(),
            usage: Vec::new(),
            labels: Vec::new(),
            data_class: None,
            fields: vec![
                Field { name: "email".into(), value: "ops@acme.example".into(), class: FieldClass::Personal },
                Field { name: "token".into(), value: SafeText::default(), class: FieldClass::Secret },
            ],
            created_at: None,
            changed_at: None,
            observed_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn it_is_found_by_any_identifier_and_the_surest_one_is_told() {
        let one = tenant("acme", "Acme Ltd");
        let by = |wanted: &str| one.found_by(wanted);
        assert_eq!(by(" ACME "), Some(FoundBy::Id));
        assert_eq!(by("acme ltd"), Some(FoundBy::Name));
        assert_eq!(by("acme.example"), Some(FoundBy::Domain));
        assert_eq!(by("ops@acme.example"), Some(FoundBy::Field("email".into())));
        assert_eq!(by("acm"), Some(FoundBy::Beginning));
        assert_eq!(by("ltd"), Some(FoundBy::Part));
        assert_eq!(by("globex"), None);
    }

    #[test]
    fn a_personal_field_is_not_found_letter_by_letter_and_nothing_is_found_by_nothing() {
        let one = tenant("acme", "Acme Ltd");
        assert_eq!(one.found_by("ops@"), None);
        assert_eq!(one.found_by(""), None);
        assert_eq!(one.found_by("  "), None);
    }
}
