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

/** A request as it stands in the table; `problem`: why it can't be understood. */
export type FoundRequest = RequestItem | { readonly problem: string };

/** Requests of operators, which remediators only read, and their results, which remediators write. */
export interface RequestsStore {
  /** Reads a request: undefined if there is none of that name. */
  read(name: RequestName): Promise<FoundRequest | undefined>;
  /** Lists the requests of a place that may not have been acted on yet. */
  readPending(place: RequestPlace): Promise<PendingItem['requests']>;
  /** Reads the results of requests, in their order: undefined if a request was not begun. */
  readResults(
    place: RequestPlace,
    names: readonly RequestName[],
  ): Promise<readonly (RequestResult | undefined)[]>;
  /** Writes how far a request has come, over what was there. */
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
