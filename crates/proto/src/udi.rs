//! The unique device identifier of an installed product.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::limits::UDI_FIELD_BYTES_MAX;

/// Product id, serial number and UUID: together they name one installation within a smart account
/// (behaviour.md, "Registration, deregistration, duplicates, clones").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Udi {
    /// Product id, as in `UCCX`.
    pub pid: String,
    /// Serial number.
    pub sn: String,
    /// UUID of the machine or installation, if the product has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
}

/// Why a text can't be a field of a UDI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUdi {
    /// The named field is empty.
    #[error("the UDI's {0} is empty")]
    Empty(&'static str),
    /// The named field is longer than [`UDI_FIELD_BYTES_MAX`].
    #[error("the UDI's {0} is longer than {UDI_FIELD_BYTES_MAX} characters")]
    TooLong(&'static str),
    /// The named field holds something else than visible ASCII without `:`, `;`, `,`.
    #[error("the UDI's {0} may hold visible ASCII characters other than : ; , only")]
    Character(&'static str),
}

impl Udi {
    /// A UDI whose fields are checked.
    pub fn new(
        pid: impl Into<String>,
        sn: impl Into<String>,
        uuid: Option<String>,
    ) -> Result<Self, InvalidUdi> {
        let udi = Self { pid: pid.into(), sn: sn.into(), uuid };
        check("pid", &udi.pid)?;
        check("sn", &udi.sn)?;
        if let Some(uuid) = &udi.uuid {
            check("uuid", uuid)?;
        }
        Ok(udi)
    }
}

/// The printable form: `PID:…,SN:…,UUID:…` (cli.md, Product Information).
impl fmt::Display for Udi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PID:{},SN:{}", self.pid, self.sn)?;
        match &self.uuid {
            Some(uuid) => write!(f, ",UUID:{uuid}"),
            None => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for Udi {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            pid: String,
            sn: String,
            #[serde(default)]
            uuid: Option<String>,
        }
        let Fields { pid, sn, uuid } = Fields::deserialize(deserializer)?;
        Self::new(pid, sn, uuid).map_err(serde::de::Error::custom)
    }
}

fn check(field: &'static str, text: &str) -> Result<(), InvalidUdi> {
    if text.is_empty() {
        Err(InvalidUdi::Empty(field))
    } else if text.len() > UDI_FIELD_BYTES_MAX {
        Err(InvalidUdi::TooLong(field))
    } else if text.bytes().any(|b| !b.is_ascii_graphic() || b";:,".contains(&b)) {
        Err(InvalidUdi::Character(field))
    } else {
        Ok(())
    }
}
