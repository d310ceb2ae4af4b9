//! What was made of a row lately, for the rows after it: most of them have the same flow, step, key, version and error.
//!
//! To look a text up costs less than to make it safe and to keep it once more; an error is a hundred times as dear,
//! since it is searched for secrets and masked. As much is kept as there are places, whatever an engine tells: a text
//! or a version that comes later takes the place of what was there, and too many errors begin anew.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::row::{NAME, flow_name};
use crate::domain::flow::{FlowError, PauseCause, Status, Version};
use crate::domain::redact::Redactor;
use crate::domain::text::SafeText;

/// How many texts, versions and errors are kept at most.
const TEXTS: usize = 4_096;
const VERSIONS: usize = 1_024;
const ERRORS: usize = 8_192;

/// The longest text of an error that is kept, in bytes.
const LONGEST: usize = 1_024;

/// A version and what it was made from.
struct KnownVersion {
    of: (Status, Option<PauseCause>, u64),
    deployment: String,
    version: Version,
}

/// An error and what it was made from, apart from the names that are the instance's own.
struct KnownError {
    code: Option<String>,
    text: String,
    error: FlowError,
}

/// What was made lately. The default keeps nothing.
#[derive(Default)]
pub struct Lately {
    texts: Vec<SafeText>,
    versions: Vec<Option<KnownVersion>>,
    errors: HashTable<KnownError>,
    /// How many errors may be kept.
    most: usize,
    hasher: DefaultHashBuilder,
}

impl Lately {
    /// Keeps what is made from now on.
    pub fn new() -> Self {
        Self {
            texts: vec![SafeText::default(); TEXTS],
            versions: std::iter::repeat_with(|| None).take(VERSIONS).collect(),
            errors: HashTable::new(),
            most: ERRORS,
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// A name, clipped to [`NAME`] characters.
    pub(super) fn text(&mut self, raw: &str) -> SafeText {
        // Equal to what is safe and short enough, it is so itself.
        let place = place(&mut self.texts, &self.hasher, raw);
        kept(place, |known| known == raw, || SafeText::clipped(raw, NAME))
    }

    /// The name of a flow.
    pub(super) fn flow(&mut self, service: &str, handler: &str) -> SafeText {
        let place = place(&mut self.texts, &self.hasher, &(service, handler));
        let same = |known: &str| {
            known.strip_prefix(service).and_then(|rest| rest.strip_prefix('/')).is_some_and(|rest| rest == handler)
        };
        kept(place, same, || flow_name(service, handler))
    }

    /// As [`Version::of`].
    pub(super) fn version(
        &mut self,
        status: Status,
        pause: Option<PauseCause>,
        completed_commands: u64,
        deployment: &str,
    ) -> Version {
        let of = (status, pause, completed_commands);
        let place = place(&mut self.versions, &self.hasher, &(of, deployment));
        if let Some(Some(known)) = &place
            && known.of == of
            && known.deployment == deployment
        {
            return known.version.clone();
        }
        let version = Version::of(status, pause, completed_commands, deployment);
        if let Some(place) = place.filter(|_| deployment.len() <= LONGEST) {
            *place = Some(KnownVersion { of, deployment: deployment.to_owned(), version: version.clone() });
        }
        version
    }

    /// As [`FlowError::new`], of an instance with this key.
    pub(super) fn error(&mut self, code: Option<&str>, text: &str, key: &str, redactor: &Redactor) -> FlowError {
        let hash = self.hasher.hash_one((code, text));
        if self.most == 0 || text.len() > LONGEST {
            return FlowError::new(code, text, &[key], redactor);
        }
        let same = |known: &KnownError| known.code.as_deref() == code && known.text == text;
        if self.errors.find(hash, same).is_none() {
            if self.errors.len() >= self.most {
                self.errors.clear();
            }
            let (error, code) = (FlowError::new(code, text, &[], redactor), code.map(ToOwned::to_owned));
            let known = KnownError { code, text: text.to_owned(), error };
            let hasher = &self.hasher;
            let of = |known: &KnownError| hasher.hash_one((known.code.as_deref(), known.text.as_str()));
            self.errors.insert_unique(hash, known, of);
        }
        let Some(known) = self.errors.find(hash, same) else { return FlowError::new(code, text, &[key], redactor) };
        // Its key is no part of what it says, and so is masked nowhere in it.
        if key.is_empty() || !known.error.text.contains(key) {
            return known.error.clone();
        }
        FlowError::new(code, text, &[key], redactor)
    }
}

/// The place in which something is kept; `None` where nothing is.
fn place<'a, T>(places: &'a mut [T], hasher: &DefaultHashBuilder, of: &(impl Hash + ?Sized)) -> Option<&'a mut T> {
    let most = u64::try_from(places.len()).ok().filter(|most| *most > 0)?;
    places.get_mut(usize::try_from(hasher.hash_one(of) % most).ok()?)
}

/// The text that is kept in a place where it is the same, else a new one, which is kept there.
fn kept(place: Option<&mut SafeText>, same: impl Fn(&str) -> bool, make: impl FnOnce() -> SafeText) -> SafeText {
    match place {
        None => make(),
        Some(known) if same(known) => known.clone(),
        Some(known) => {
            *known = make();
            known.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    /// Names of which one is a part of another one, hostile ones, and ones that are cut.
    fn names() -> impl Strategy<Value = String> {
        let long = "x".repeat(NAME + 1);
        let names = ["", "a", "b", "a/b", "b/a", "acme", "acme/x", "7", "\u{1b}[31m", "ключ", "e\u{301}", &long];
        select(names.map(str::to_owned).to_vec())
    }

    fn texts() -> impl Strategy<Value = String> {
        let texts = vec![
            "",
            " ",
            "key acme is locked by acme",
            "connection refused to db-7.internal:5432",
            "password=hunter2 of acme\nat x",
            "\u{1b}[31m a 7",
        ];
        (select(texts), 0_usize..3).prop_map(|(text, times)| text.repeat(if times == 0 { 60 } else { times }))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        /// Whatever was made before: each is what it would be if it were made alone.
        #[test]
        fn what_is_kept_is_what_would_be_made(
            steps in proptest::collection::vec((names(), names(), texts(), option(), 0_u64..3), 1..24),
        ) {
            let redactor = Redactor::new(["acme"]);
            let mut lately = Lately { most: 3, ..Lately::new() };
            for (one, other, text, code, number) in steps {
                prop_assert_eq!(lately.text(&one), SafeText::clipped(&one, NAME));
                prop_assert_eq!(lately.flow(&one, &other), flow_name(&one, &other));
                let pause = (number == 1).then_some(PauseCause::Held);
                let version = Version::of(Status::Paused, pause, number, &other);
                prop_assert_eq!(lately.version(Status::Paused, pause, number, &other), version);
                let error = FlowError::new(code.as_deref(), &text, &[&one], &redactor);
                prop_assert_eq!(lately.error(code.as_deref(), &text, &one, &redactor), error);
            }
        }
    }

    fn option() -> impl Strategy<Value = Option<String>> {
        proptest::option::of(names())
    }
}
