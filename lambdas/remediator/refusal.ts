import type { ChangeLimit } from '../model/limits.ts';
import type { Room } from './record/room.ts';

/** A limit that has no room for a finding. */
export interface Refusal {
  readonly limit: ChangeLimit;
  /** Number of resources that would be changed for the finding. */
  readonly changes: number;
  readonly room: Room;
  /** True if a limit deferred the finding before: it may have the room that is kept. */
  readonly wasDeferred: boolean;
}
