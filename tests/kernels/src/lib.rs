//! The int8 kernels of `src/drivers/tract/int8/kernel`, on their own.

#![allow(dead_code, reason = "what uses them is not here")]

#[path = "../../../src/drivers/tract/int8"]
mod int8 {
    mod kernel;
}
