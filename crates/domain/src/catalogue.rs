//! The catalogue: which tags exist, what they are called, and which families they form. Data, as TOML.

use std::collections::BTreeMap;

use seatpool_proto::{Family, Tag};
use serde::Deserialize;

/// All families that a manager knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    families: BTreeMap<Family, FamilyEntry>,
    by_tag: BTreeMap<Tag, (Family, usize)>,
}

/// A licence family: tags that may stand in for lower ones, from the top.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilyEntry {
    /// Its name.
    pub family: Family,
    /// Its licences from the top tier down. One tier: nothing stands in for anything.
    pub licenses: Vec<LicenseEntry>,
}

/// One licence.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicenseEntry {
    /// Its tag.
    pub tag: Tag,
    /// Its name for people, unique in the catalogue: the `license` of the REST API.
    pub name: String,
    /// What it licenses.
    #[serde(default)]
    pub description: String,
    /// Never consumed, but must be owned (behaviour.md, "Usage reports").
    #[serde(default)]
    pub required_present: bool,
    /// It authorizes export-restricted features: taken only where the account is permitted them.
    #[serde(default)]
    pub export_restricted: bool,
    /// Product types that may use it; empty: all.
    #[serde(default)]
    pub product_types: Vec<String>,
}

/// Why a catalogue is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCatalogue {
    /// Not TOML of the documented shape.
    #[error("not a catalogue: {0}")]
    Unreadable(String),
    /// A tag, name or family stands twice.
    #[error("{0} stands twice in the catalogue")]
    Twice(String),
    /// A family without licences.
    #[error("the family {0} has no licences")]
    Empty(Family),
}

impl LicenseEntry {
    /// Whether products of this type may use it.
    pub fn is_for(&self, product_type: &str) -> bool {
        self.product_types.is_empty() || self.product_types.iter().any(|known| known == product_type)
    }
}

impl FamilyEntry {
    /// Which tier a tag is, counted from 0 at the top; none if it is not of this family.
    pub fn tier(&self, tag: &Tag) -> Option<usize> {
        self.licenses.iter().position(|license| license.tag == *tag)
    }
}

impl Catalogue {
    /// The families that ship with Seatpool.
    pub const SHIPPED: &str = include_str!("../catalogue/shipped.toml");

    /// Reads catalogues and unites them.
    pub fn from_toml<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidCatalogue> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            #[serde(default)]
            families: Vec<FamilyEntry>,
        }
        let mut catalogue = Self::default();
        for text in texts {
            let file: File = toml::from_str(text).map_err(|e| InvalidCatalogue::Unreadable(e.to_string()))?;
            for entry in file.families {
                catalogue.add(entry)?;
            }
        }
        Ok(catalogue)
    }

    fn add(&mut self, entry: FamilyEntry) -> Result<(), InvalidCatalogue> {
        if entry.licenses.is_empty() {
            return Err(InvalidCatalogue::Empty(entry.family));
        }
        for (tier, license) in entry.licenses.iter().enumerate() {
            if self.license_by_name(&license.name).is_some() {
                return Err(InvalidCatalogue::Twice(license.name.clone()));
            }
            if self.by_tag.insert(license.tag.clone(), (entry.family.clone(), tier)).is_some() {
                return Err(InvalidCatalogue::Twice(license.tag.to_string()));
            }
        }
        let name = entry.family.clone();
        match self.families.insert(name.clone(), entry) {
            Some(_) => Err(InvalidCatalogue::Twice(name.to_string())),
            None => Ok(()),
        }
    }

    /// The family with this name.
    pub fn family(&self, family: &Family) -> Option<&FamilyEntry> {
        self.families.get(family)
    }

    /// The family of a tag.
    pub fn family_of(&self, tag: &Tag) -> Option<&FamilyEntry> {
        self.by_tag.get(tag).and_then(|(family, _)| self.families.get(family))
    }

    /// The licence of a tag.
    pub fn license(&self, tag: &Tag) -> Option<&LicenseEntry> {
        let (family, tier) = self.by_tag.get(tag)?;
        self.families.get(family)?.licenses.get(*tier)
    }

    /// The licence with this name for people.
    pub fn license_by_name(&self, name: &str) -> Option<&LicenseEntry> {
        self.families.values().flat_map(|family| &family.licenses).find(|license| license.name == name)
    }

    /// All families, by name.
    pub fn families(&self) -> impl Iterator<Item = &FamilyEntry> {
        self.families.values()
    }
}
