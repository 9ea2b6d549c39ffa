import type { ChangeLimit } from '../model/limits.ts';
import type { Room } from './record/room.ts';

/** Refusal of a finding's changes because a limit has no room for them. */
export interface Refusal {
  readonly limit: ChangeLimit;
  /** Number of resources that would be changed for the finding. */
  readonly changes: number;
  readonly room: Room;
  /** True if a limit deferred the finding earlier, so that it may use the room that is kept. */
  readonly wasDeferred: boolean;
}
