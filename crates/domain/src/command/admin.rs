use super::{Action, By, Context, Outcome, Refused};
use crate::workset::{Touches, Workset};

pub(super) fn touches(_action: &Action) -> Touches {
    Touches::default()
}

pub(super) fn apply(_: Action, _: &By, _: &mut Workset, _: &mut Context<'_>) -> Result<Outcome, Refused> {
    Ok(Outcome::Done)
}
