/** Settings that the constructor of every SDK client takes. */
export interface ClientSettings {
  readonly region?: string;
  readonly maxAttempts?: number;
  readonly useQueueUrlAsEndpoint?: boolean;
}

/** Options of every client except its region. Credentials come from the SDK's default chain unless they are set. */
export interface ClientOptions {
  readonly endpoint?: string;
  readonly profile?: string;
  readonly region?: string;
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  readonly maxAttempts?: number;
  readonly requestHandler?: { readonly connectionTimeout: number; readonly requestTimeout?: number };
}

const defaults = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 5_000, requestTimeout: 30_000 },
} as const satisfies ClientOptions;

/** The clients of one run, one per service and region. */
export class Clients {
  readonly #options: ClientOptions;
  readonly #known = new Map<string, unknown>();

  constructor(options: ClientOptions = {}) {
    this.#options = options;
  }

  /** Options for code that creates its own clients. */
  get clientOptions(): Omit<ClientOptions, 'region' | 'requestHandler'> {
    const { region: _, requestHandler: __, ...options } = this.#options;
    return { maxAttempts: defaults.maxAttempts, ...options };
  }

  /**
   * @param region default: the region of the environment or the profile
   * @param patience the timeout of a response, in milliseconds; if set, a call is sent only once
   */
  client<C>(Client: new (settings: ClientSettings) => C, region?: string, patience?: number): C {
    const key = `${Client.name} ${region ?? ''}`;
    const known = this.#known.get(key);
    if (known instanceof Client) return known;
    const made = new Client({
      ...defaults,
      ...this.#options,
      ...(region !== undefined && { region }),
      ...(patience !== undefined && {
        maxAttempts: 1,
        requestHandler: { ...defaults.requestHandler, requestTimeout: patience },
      }),
      // The endpoint decides where calls go, not the host in the URL of a queue.
      useQueueUrlAsEndpoint: false,
    });
    this.#known.set(key, made);
    return made;
  }
}
