//! Identity. Ids are composite and never collide: `source/instance`.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::SafeText;

/// A flow instance's identity: the source's name in the config and the engine's own id.
///
/// Shown and parsed as `source/instance`. A source's name holds no slash (the config refuses one), so the first
/// slash separates the two.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceId {
    /// The source's name in the config.
    pub source: SafeText,
    /// The engine's own id.
    pub instance: SafeText,
}

impl InstanceId {
    /// Joins the two halves.
    pub fn new(source: impl Into<SafeText>, instance: impl Into<SafeText>) -> Self {
        Self { source: source.into(), instance: instance.into() }
    }

    /// Reads `source/instance`; `None` where a half is missing.
    pub fn parse(text: &str) -> Option<Self> {
        let (source, instance) = text.split_once('/')?;
        (!source.is_empty() && !instance.is_empty()).then(|| Self::new(source, instance))
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source, self.instance)
    }
}

impl<'de> Deserialize<'de> for InstanceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("an id is source/instance"))
    }
}

impl Serialize for InstanceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
