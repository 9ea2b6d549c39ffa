import type {
  PendingItem,
  RequestItem,
  RequestName,
  RequestResult,
  UndoneItem,
} from '../../model/requests.ts';

/** An account's jobs and requests in one region. */
export interface RequestPlace {
  readonly account: string;
  /** The region whose remediator acts on them. */
  readonly region: string;
}

/** A request as stored in the table. */
export type FoundRequest = RequestItem | UnreadableRequest;

/** A request that can't be parsed. */
export interface UnreadableRequest {
  /** The reason, in words. */
  readonly problem: string;
  /** The place that it names as its own, if that can be read; it can be refused there. */
  readonly addressed?: Pick<RequestItem, 'account' | 'kind' | 'region'>;
}

/** The result of a request as stored in the table; `unreadable`: the error if another version wrote it. */
export type FoundResult = RequestResult | { readonly unreadable: Error };

/** Requests of operators, which remediators only read, and their results, which remediators write. */
export interface RequestsStore {
  /** Reads a request; undefined if there is none with that name. */
  read(name: RequestName): Promise<FoundRequest | undefined>;
  /** Lists the requests of a place that may not have been acted on yet. */
  readPending(place: RequestPlace): Promise<PendingItem['requests']>;
  /** Reads the results of requests, in the same order; undefined for a request that was not begun. */
  readResults(
    place: RequestPlace,
    names: readonly RequestName[],
  ): Promise<readonly (FoundResult | undefined)[]>;
  /** Writes the progress of a request, replacing what was there. */
  writeResult(
    place: RequestPlace,
    name: RequestName,
    result: Omit<RequestResult, 'version' | 'expiresAt'>,
  ): Promise<void>;
  /** Names the evidence of a fix's undo, for lists of outcomes. */
  announce(
    request: Pick<RequestItem, 'region' | 'at'>,
    undone: Omit<UndoneItem, 'version' | 'expiresAt'>,
  ): Promise<void>;
}
