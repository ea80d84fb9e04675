//! A proposed move of licences, carried out as it was proposed or not at all.

use seatpool_proto::VirtualAccountId;

use super::{By, Context, Outcome, Refused, known, transfer};
use crate::command::TransferLine;
use crate::explain::{self, Move, Place, Stock};
use crate::workset::{Touches, Workset};

pub(super) fn touches(step: &Move) -> Touches {
    Touches { tags: [step.mends.id.clone()].into(), ..transfer::touches(step.from.id, &lines(step)) }
}

/// Moves what was proposed, if the figures that it was worked out from still hold.
pub(super) fn apply(
    step: &Move,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    known(workset, step.to.id)?;
    known(workset, step.from.id)?;
    let family = context.catalogue.family_of(&step.mends.id).ok_or(Refused::Unknown { what: "license" })?;
    let (here, source) = (stock(workset, step.to.id), stock(workset, step.from.id));
    let figures = explain::figures(family, &here, &step.mends.id, &source, &step.license.id, context.now)
        .ok_or(Refused::Unknown { what: "license" })?;
    if figures != step.figures {
        return Err(Refused::Changed {
            detail: format!(
                "{} now lacks {} of {}, and {} can spare {} of {}",
                here.place, figures.short, step.mends, source.place, figures.source_spare, step.license
            ),
        });
    }
    transfer::licenses(step.from.id, &lines(step), by, workset, context)
}

fn lines(step: &Move) -> Vec<TransferLine> {
    let line = |(lot, quantity): &(_, _)| TransferLine {
        tag: step.license.id.clone(),
        lot: Some(*lot),
        kind: None,
        quantity: *quantity,
        to: step.to.id,
    };
    step.lots.iter().map(line).collect()
}

fn stock(workset: &Workset, place: VirtualAccountId) -> Stock {
    Stock {
        place: Place::new(place, workset.name_of(place)),
        lots: workset.lots.values().filter(|lot| lot.virtual_account == place).cloned().collect(),
        totals: workset.totals.values().filter(|total| total.virtual_account == place).cloned().collect(),
    }
}
