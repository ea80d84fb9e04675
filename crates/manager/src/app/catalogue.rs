//! The licences that exist: what orders and declarations may name.

use seatpool_proto::{Family, Tag};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;

/// A licence of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CatalogueLicense {
    /// Its tag.
    #[schema(value_type = String)]
    pub tag: Tag,
    /// Its name for people.
    pub name: String,
    /// What it licenses.
    pub description: String,
    /// The family whose licences may stand in for one another, higher ones for lower ones.
    #[schema(value_type = String)]
    pub family: Family,
    /// Its place in the family, from 1 at the top.
    pub tier: usize,
    /// Whether it is never consumed but must be owned.
    pub required_present: bool,
    /// Product types that may use it; empty: all.
    pub product_types: Vec<String>,
}

/// All licences, by family and tier. They are no customer's secret: whoever is signed in may read them.
pub fn licenses(app: &App) -> Vec<CatalogueLicense> {
    let of_family = |family: &seatpool_domain::catalogue::FamilyEntry| {
        let name = family.family.clone();
        let view =
            move |(tier, license): (usize, &seatpool_domain::catalogue::LicenseEntry)| CatalogueLicense {
                tag: license.tag.clone(),
                name: license.name.clone(),
                description: license.description.clone(),
                family: name.clone(),
                tier: tier + 1,
                required_present: license.required_present,
                product_types: license.product_types.clone(),
            };
        family.licenses.iter().enumerate().map(view).collect::<Vec<_>>()
    };
    app.catalogue().families().flat_map(of_family).collect()
}
