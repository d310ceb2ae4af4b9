//! What of an instance no filter, order or count looks at, as a few bytes.
//!
//! A row is read back whole only where it is shown, which is some dozens at a time; a million of them must fit into
//! memory. So times are kept as a distance from the instance's creation, and what is missing costs a byte.

use jiff::Timestamp;
use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

use crate::domain::flow::{FlowInstance, Version, Wait, WaitKind};
use crate::domain::signs::{Faults, Parent, Signs, Worker};
use crate::domain::text::SafeText;

const NANOS_PER_MILLI: i64 = 1_000_000;

/// A time as its distance from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Time {
    Missing,
    /// Whole milliseconds later: what engines tell.
    Millis(i64),
    /// The time itself, where it is none of those.
    Exact(i64, i32),
}

impl Time {
    fn of(time: Option<Timestamp>, base: Timestamp) -> Self {
        let Some(time) = time else { return Self::Missing };
        // No two times are so far apart that their milliseconds overflow.
        let millis = (time.as_second() - base.as_second()) * 1_000;
        let nanos = i64::from(time.subsec_nanosecond()) - i64::from(base.subsec_nanosecond());
        if nanos % NANOS_PER_MILLI == 0 {
            Self::Millis(millis + nanos / NANOS_PER_MILLI)
        } else {
            Self::Exact(time.as_second(), time.subsec_nanosecond())
        }
    }

    fn at(self, base: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Missing => None,
            Self::Millis(millis) => {
                Timestamp::from_nanosecond(base.as_nanosecond() + i128::from(millis) * i128::from(NANOS_PER_MILLI)).ok()
            }
            Self::Exact(second, nanosecond) => Timestamp::new(second, nanosecond).ok(),
        }
    }
}

/// The times that most instances have: 0 is one that is missing, the others are distances from the one before or else
/// from the creation, one more where they are not negative.
#[derive(Serialize, Deserialize)]
enum Times {
    /// In milliseconds: four bytes, and one or two for each that is near the one before it.
    Millis([i64; 5]),
    /// Each as it is, where one of them is finer than that.
    Exact([Time; 5]),
}

impl Times {
    fn of(times: [Option<Timestamp>; 5], base: Timestamp) -> Self {
        let exact = times.map(|time| Time::of(time, base));
        if exact.iter().any(|time| matches!(time, Time::Exact(..))) {
            return Self::Exact(exact);
        }
        let mut before = 0;
        Self::Millis(exact.map(|time| match time {
            Time::Millis(millis) => {
                let distance = millis - std::mem::replace(&mut before, millis);
                if distance >= 0 { distance + 1 } else { distance }
            }
            Time::Missing | Time::Exact(..) => 0,
        }))
    }

    fn at(self, base: Timestamp) -> [Option<Timestamp>; 5] {
        let times = match self {
            Self::Exact(times) => times,
            Self::Millis(distances) => {
                let mut before = 0_i64;
                distances.map(|distance| {
                    if distance == 0 {
                        return Time::Missing;
                    }
                    // Bytes of any other origin must not overflow.
                    before = before.saturating_add(if distance > 0 { distance - 1 } else { distance });
                    Time::Millis(before)
                })
            }
        };
        times.map(|time| time.at(base))
    }
}

#[derive(Serialize, Deserialize)]
struct PackedWait<'a> {
    kind: u8,
    reference: Option<&'a str>,
    since: Time,
    until: Time,
}

#[derive(Serialize, Deserialize)]
enum PackedWorker<'a> {
    Unknown,
    Present,
    Absent { since: Time, what: &'a str },
    Gone { since: Time, what: &'a str },
}

#[derive(Serialize, Deserialize)]
struct PackedParent<'a> {
    id: &'a str,
    ended: Option<bool>,
    ended_at: Time,
}

#[derive(Serialize, Deserialize)]
struct PackedSigns<'a> {
    due_at: Time,
    queued_at: Time,
    faults: Option<(Option<u32>, Time)>,
    #[serde(borrow)]
    worker: PackedWorker<'a>,
    #[serde(borrow)]
    parent: Option<PackedParent<'a>>,
}

/// A version as its six bytes, or as its text where it is none such.
#[derive(Serialize, Deserialize)]
enum PackedVersion<'a> {
    Hash([u8; 6]),
    Text(&'a str),
}

#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    #[serde(borrow)]
    version: PackedVersion<'a>,
    completed_commands: u64,
    /// When it came to be, where the column of that can't tell.
    created_at: Time,
    times: Times,
    /// Those that the column of attempts is too narrow for.
    attempts: Option<u32>,
    #[serde(borrow)]
    wait: Option<PackedWait<'a>>,
    /// Most instances have none.
    #[serde(borrow)]
    signs: Option<PackedSigns<'a>>,
}

const KINDS: [WaitKind; 6] =
    [WaitKind::Timer, WaitKind::Signal, WaitKind::Child, WaitKind::Approval, WaitKind::Lock, WaitKind::Consumer];

fn pack_signs(signs: &Signs, base: Timestamp) -> Option<PackedSigns<'_>> {
    if *signs == Signs::default() {
        return None;
    }
    Some(PackedSigns {
        due_at: Time::of(signs.due_at, base),
        queued_at: Time::of(signs.queued_at, base),
        faults: signs.faults.as_ref().map(|faults| (faults.count, Time::of(faults.since, base))),
        worker: match &signs.worker {
            Worker::Unknown => PackedWorker::Unknown,
            Worker::Present => PackedWorker::Present,
            Worker::Absent { since, what } => PackedWorker::Absent { since: Time::of(*since, base), what },
            Worker::Gone { since, what } => PackedWorker::Gone { since: Time::of(*since, base), what },
        },
        parent: signs.parent.as_ref().map(|parent| PackedParent {
            id: &parent.id,
            ended: parent.ended,
            ended_at: Time::of(parent.ended_at, base),
        }),
    })
}

fn unpack_signs(packed: PackedSigns<'_>, base: Timestamp) -> Signs {
    Signs {
        due_at: packed.due_at.at(base),
        queued_at: packed.queued_at.at(base),
        faults: packed.faults.map(|(count, since)| Faults { count, since: since.at(base) }),
        worker: match packed.worker {
            PackedWorker::Unknown => Worker::Unknown,
            PackedWorker::Present => Worker::Present,
            PackedWorker::Absent { since, what } => Worker::Absent { since: since.at(base), what: what.into() },
            PackedWorker::Gone { since, what } => Worker::Gone { since: since.at(base), what: what.into() },
        },
        parent: packed.parent.map(|parent| Parent {
            id: parent.id.into(),
            ended: parent.ended,
            ended_at: parent.ended_at.at(base),
        }),
    }
}

/// The bytes of an instance, into a buffer that is emptied first. `wide` is whether its attempts are among them.
pub(super) fn pack(flow: &FlowInstance, wide: bool, into: &mut Vec<u8>) -> Result<(), postcard::Error> {
    let base = flow.created_at.unwrap_or(Timestamp::UNIX_EPOCH);
    let time = |time| Time::of(time, base);
    let packed = Packed {
        version: hash(flow.version.as_str()).map_or(PackedVersion::Text(flow.version.as_str()), PackedVersion::Hash),
        completed_commands: flow.completed_commands,
        created_at: Time::of(flow.created_at.filter(|at| !told_by_column(*at)), Timestamp::UNIX_EPOCH),
        times: Times::of(
            [
                flow.entered_step_at,
                flow.last_transition_at,
                flow.first_failure_at,
                flow.last_start_at,
                flow.next_retry_at,
            ],
            base,
        ),
        attempts: flow.attempts.filter(|_| wide),
        wait: flow.wait.as_ref().map(|wait| PackedWait {
            kind: KINDS
                .iter()
                .position(|kind| *kind == wait.kind)
                .and_then(|at| at.try_into().ok())
                .unwrap_or_default(),
            reference: wait.reference.as_deref(),
            since: time(wait.since),
            until: time(wait.until),
        }),
        signs: pack_signs(&flow.signs, base),
    };
    into.clear();
    postcard::serialize_with_flavor(&packed, Bytes(into))
}

/// Where bytes are written to, several at once where there are several.
struct Bytes<'a>(&'a mut Vec<u8>);

impl Flavor for Bytes<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Whether the column of nanoseconds can tell a time: those from 1678 to 2262.
pub(super) fn told_by_column(at: Timestamp) -> bool {
    i64::try_from(at.as_nanosecond()).is_ok_and(|nanos| nanos != super::NEVER)
}

/// Fills in what [`pack`] kept, the creation where the column could not tell it. Bytes of any other origin leave the
/// instance as it is.
pub(super) fn unpack(bytes: &[u8], flow: &mut FlowInstance) {
    let Ok(packed) = postcard::from_bytes::<Packed<'_>>(bytes) else { return };
    flow.created_at = packed.created_at.at(Timestamp::UNIX_EPOCH).or(flow.created_at);
    let base = flow.created_at.unwrap_or(Timestamp::UNIX_EPOCH);
    flow.version = match packed.version {
        PackedVersion::Hash(hash) => Version::told(&hex(hash)),
        PackedVersion::Text(text) => Version::told(text),
    };
    flow.completed_commands = packed.completed_commands;
    [flow.entered_step_at, flow.last_transition_at, flow.first_failure_at, flow.last_start_at, flow.next_retry_at] =
        packed.times.at(base);
    flow.attempts = packed.attempts.or(flow.attempts);
    flow.wait = packed.wait.map(|wait| Wait {
        kind: KINDS.get(usize::from(wait.kind)).copied().unwrap_or(WaitKind::Timer),
        reference: wait.reference.map(SafeText::from),
        since: wait.since.at(base),
        until: wait.until.at(base),
    });
    flow.signs = packed.signs.map(|signs| unpack_signs(signs, base)).unwrap_or_default();
}

/// Twelve lower-case hexadecimal digits as six bytes.
fn hash(text: &str) -> Option<[u8; 6]> {
    if text.len() != 12 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let number = u64::from_str_radix(text, 16).ok()?.to_be_bytes();
    number.get(2..)?.try_into().ok()
}

fn hex(hash: [u8; 6]) -> String {
    let number = hash.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{number:012x}")
}
