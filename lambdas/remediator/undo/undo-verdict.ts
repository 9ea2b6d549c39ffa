/** Decision about undoing a fix. `retry`: the next attempt continues. */
export type UndoVerdict =
  | { readonly is: 'undone'; readonly reason?: string }
  | { readonly is: 'undo_refused'; readonly reason: string; readonly gate?: 'pause' | 'settings' | 'role' }
  | { readonly is: 'waiting'; readonly reason: string }
  | { readonly is: 'retry'; readonly error: unknown };

/** The refusal to undo a fix. */
export type UndoRefusal = Extract<UndoVerdict, { is: 'undo_refused' }>;

/** Refuses to undo a fix, with a reason. */
export function refuse(reason: string): UndoRefusal {
  return { is: 'undo_refused', reason };
}
