//! The manager: agent endpoints, REST API, portal, keys and jobs.
