//! The id and the key of a row as bytes of the piece of memory that is searched.

use crate::domain::flow::FlowInstance;

/// What stands before a key; a key that is the tenant is not written twice.
const OWN_KEY: u8 = 0;
const TENANT_KEY: u8 = 1;

/// The key of a row, as its text tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyText<'a> {
    None,
    Own(&'a str),
    /// The tenant's name.
    Tenant,
}

/// The length of the id in two bytes, the id, and the key with a byte before it where there is one; into a buffer that
/// is emptied first.
pub(super) fn write_text(flow: &FlowInstance, text: &mut Vec<u8>) -> Option<()> {
    let id = flow.id.instance.as_str();
    text.clear();
    text.extend_from_slice(&u16::try_from(id.len()).ok()?.to_le_bytes());
    text.extend_from_slice(id.as_bytes());
    match &flow.key {
        None => {}
        key if *key == flow.tenant => text.push(TENANT_KEY),
        Some(key) => {
            text.push(OWN_KEY);
            text.extend_from_slice(key.as_bytes());
        }
    }
    Some(())
}

/// The id and the key.
pub(super) fn read_text(text: &[u8]) -> (&str, KeyText<'_>) {
    let Some((len, rest)) = text.split_first_chunk::<2>() else { return ("", KeyText::None) };
    let (id, key) = rest.split_at_checked(u16::from_le_bytes(*len).into()).unwrap_or_default();
    let read = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
    let key = match key.split_first() {
        None => KeyText::None,
        Some((&TENANT_KEY, _)) => KeyText::Tenant,
        Some((_, key)) => KeyText::Own(read(key)),
    };
    (read(id), key)
}
