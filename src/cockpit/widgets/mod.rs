//! Parts that several screens are made of. Each draws only what is visible.

pub(super) mod bar;
pub(super) mod footer;
pub(super) mod header;
pub(super) mod numbers;
pub(super) mod palette;
pub(super) mod pen;
pub(super) mod sheet;
pub(super) mod spark;
pub(super) mod state;
pub(super) mod whichkey;
