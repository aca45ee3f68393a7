// A control that somebody may not use stays where it is and says why, to the mouse, the keyboard and aloud:
// one that is `disabled` could not be reached and would say nothing.

/** What to put on it, after its other attributes; nothing if there is no reason. */
export const forbid = (reason: string | undefined) =>
  reason === undefined ? {} : { 'aria-disabled': true, 'aria-description': reason, title: reason, onClick: undefined };
