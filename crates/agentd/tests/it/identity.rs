//! The UDI and the registration that hangs on it, across starts with another configuration.

use crate::daemon::{Place, mode};
use crate::scripted::Scripted;

fn registered() -> (Scripted, Place) {
    let world = Scripted::start();
    let place = Place::new(&world.vendor, &world.url());
    let daemon = place.start();
    place.says("smart register idtoken token-1");
    daemon.stop();
    (world, place)
}

#[test]
fn another_profile_neither_changes_the_udi_nor_loses_the_registration() {
    let (_world, place) = registered();
    place.start_with(&["--profile", "unified-ccx-12.5"]).stop();
    let _daemon = place.start();
    assert_eq!(place.says("show udi"), "UDI: PID:UNIFIED-CCX,SN:SN1,UUID:u-1\n");
    assert!(place.says("show summary").contains("  Status: REGISTERED\n"));
    assert!(place.says("smart renew auth").contains("succeeded"));
}

#[test]
fn the_product_id_of_a_new_installation_is_kept() {
    let (_world, place) = registered();
    assert_eq!(std::fs::read_to_string(place.path("state/pid")).unwrap(), "UNIFIED-CCX");
    // Even if the state is moved away.
    for name in ["state.0", "state.1"] {
        let _ = std::fs::remove_file(place.path("state").join(name));
    }
    let _daemon = place.start_with(&["--profile", "unified-ccx-12.5"]);
    assert_eq!(place.says("show udi"), "UDI: PID:UNIFIED-CCX,SN:SN1,UUID:u-1\n");
}

#[test]
fn another_product_id_or_serial_number_is_refused_while_registered() {
    let (_world, place) = registered();
    for (flags, now) in [
        (["--udi-pid", "OTHER"], "PID:OTHER,SN:SN1,UUID:u-1"),
        (["--udi-sn", "SN2"], "PID:UNIFIED-CCX,SN:SN2,UUID:u-1"),
    ] {
        let said = place.start_refused(&flags);
        for part in [
            "registered as PID:UNIFIED-CCX,SN:SN1,UUID:u-1",
            now,
            "set udi_pid to \"UNIFIED-CCX\"",
            "license smart deregister",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    let daemon = place.start();
    assert!(place.says("show summary").contains("  Status: REGISTERED\n"));
    place.says("smart deregister");
    daemon.stop();
    let _daemon = place.start_with(&["--udi-pid", "OTHER"]);
    assert_eq!(place.says("show udi"), "UDI: PID:OTHER,SN:SN1,UUID:u-1\n");
}

#[test]
fn the_state_of_another_machine_is_kept_aside_and_can_be_used_again() {
    let (_world, place) = registered();
    let mut daemon = place.start_with(&["--udi-uuid", "u-2"]);
    assert!(place.says("show summary").contains("  Status: UNREGISTERED\n"));
    // Two more states are stored, after which no key of the former one is left in place.
    place.says("smart privacy hostname");
    place.says("smart privacy version");
    let logged = daemon.log("STATE_FOREIGN");
    daemon.stop();
    assert!(logged.last().unwrap().contains("put aside"), "{logged:?}");
    let aside = place.path("state/state.foreign");
    assert_eq!((mode(&aside), mode(&aside.join("keys"))), (0o700, 0o700));
    let _daemon = place.start_with(&["--state-dir", aside.to_str().unwrap()]);
    assert!(place.says("show summary").contains("  Status: REGISTERED\n"));
    assert!(place.says("smart renew auth").contains("succeeded"));
}
