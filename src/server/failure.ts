/** Why the server cannot start. The message is for the operator: what, why, what next. */

/** Something outside the configuration: a port or a socket that is taken, a directory that cannot be written. Exit code 5. */
export class CannotServe extends Error {
  override readonly name = 'CannotServe';
}
