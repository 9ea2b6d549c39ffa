import type {
  PendingItem,
  RequestItem,
  RequestName,
  RequestResult,
  UndoneItem,
} from '../../model/requests.ts';

/** Account and region whose jobs and requests are processed in order. */
export interface RequestPlace {
  readonly account: string;
  /** The region of the remediator that processes them. */
  readonly region: string;
}

/** A request as stored in the table. */
export type FoundRequest = RequestItem | UnreadableRequest;

/** A request that can't be parsed. */
export interface UnreadableRequest {
  /** Description of the parse error. */
  readonly problem: string;
  /** The account, kind, and region that it names, if these can be parsed: the refusal is written for them. */
  readonly addressed?: Pick<RequestItem, 'account' | 'kind' | 'region'>;
}

/** Result of a request as stored in the table. `unreadable`: the error if the item was written by another version. */
export type FoundResult = RequestResult | { readonly unreadable: Error };

/** Requests of operators, which remediators only read, and their results, which remediators write. */
export interface RequestsStore {
  /** Reads a request; undefined if there is none with that name. */
  read(name: RequestName): Promise<FoundRequest | undefined>;
  /** Lists the requests for an account and region that may not have been carried out yet. */
  readPending(place: RequestPlace): Promise<PendingItem['requests']>;
  /** Reads the results of requests, in the same order; undefined for a request that has not begun. */
  readResults(
    place: RequestPlace,
    names: readonly RequestName[],
  ): Promise<readonly (FoundResult | undefined)[]>;
  /** Writes the progress of a request, replacing the previous result. */
  writeResult(
    place: RequestPlace,
    name: RequestName,
    result: Omit<RequestResult, 'version' | 'expiresAt'>,
  ): Promise<void>;
  /** Lists the evidence object of a fix's undo in the table, so that lists of outcomes include it. */
  announce(
    request: Pick<RequestItem, 'region' | 'at'>,
    undone: Omit<UndoneItem, 'version' | 'expiresAt'>,
  ): Promise<void>;
}
