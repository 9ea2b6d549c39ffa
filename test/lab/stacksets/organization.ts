/** An AWS Organization at the start of a simulation. */
export interface OrganizationOptions {
  /** `o-a1b2c3d4e5` */
  readonly id: string;
  /** `r-a1b2` */
  readonly root: string;
  readonly managementAccount: string;
  /** The delegated administrators of CloudFormation StackSets. Default: none. */
  readonly delegatedAdministrators?: readonly string[];
  /** True if `aws cloudformation activate-organizations-access` was run. Default: true. */
  readonly trustedAccess?: boolean;
  /** Organizational units, each with its parent: the root or a unit. */
  readonly units?: Readonly<Record<string, string>>;
  /** Member accounts, each with its parent: the root or a unit. The management account is in the root by default. */
  readonly accounts?: Readonly<Record<string, string>>;
}

/**
 * The former and the current path of an account: its unit, that unit's parent, and so on up to the root.
 */
export interface AccountMove {
  readonly account: string;
  readonly before: readonly string[];
  /** Empty for an account that has left the organization. */
  readonly after: readonly string[];
}

/** An AWS Organization whose accounts join, leave and move. */
export class Organization {
  readonly id: string;
  readonly root: string;
  readonly managementAccount: string;
  readonly delegatedAdministrators: ReadonlySet<string>;
  readonly trustedAccess: boolean;
  readonly #units: Readonly<Record<string, string>>;
  readonly #accounts: Map<string, string>;
  readonly #membership: Record<string, string> = {};
  readonly #listeners = new Set<(move: AccountMove) => void>();

  constructor(options: OrganizationOptions) {
    const { managementAccount, root, accounts = {} } = options;
    this.id = options.id;
    this.root = root;
    this.managementAccount = managementAccount;
    this.delegatedAdministrators = new Set(options.delegatedAdministrators);
    this.trustedAccess = options.trustedAccess ?? true;
    this.#units = options.units ?? {};
    this.#accounts = new Map(Object.entries({ [managementAccount]: root, ...accounts }));
    for (const [account, parent] of this.#accounts) {
      this.#lineage(parent);
      this.#membership[account] = this.id;
    }
  }

  /** The organization's id by account. The same object is updated when accounts join or leave. */
  get membership(): Readonly<Record<string, string>> {
    return this.#membership;
  }

  /** Reports whether this is the root or one of the units. */
  has(parent: string): boolean {
    return parent === this.root || this.#units[parent] !== undefined;
  }

  /** Reports whether a unit or the root is this one, or is beneath it. */
  isWithin(parent: string, ancestor: string): boolean {
    return this.#lineage(parent).includes(ancestor);
  }

  /** The accounts of a unit, or of the root, and of all units beneath. */
  accountsOf(ancestor: string): string[] {
    return [...this.#accounts].flatMap(([account, parent]) =>
      this.isWithin(parent, ancestor) ? account : [],
    );
  }

  /** Moves an account to a unit or to the root, and adds it to the organization if necessary. */
  move(account: string, parent: string): void {
    const after = this.#lineage(parent);
    const before = this.#lineageOf(account);
    this.#accounts.set(account, parent);
    this.#membership[account] = this.id;
    this.#tell({ account, before, after });
  }

  /** Removes an account from the organization. */
  remove(account: string): void {
    const before = this.#lineageOf(account);
    this.#accounts.delete(account);
    delete this.#membership[account];
    this.#tell({ account, before, after: [] });
  }

  /** Reports every account that joins, leaves, or moves. */
  onMove(listener: (move: AccountMove) => void): { remove(): void } {
    this.#listeners.add(listener);
    return {
      remove: () => {
        this.#listeners.delete(listener);
      },
    };
  }

  #tell(move: AccountMove): void {
    for (const listener of this.#listeners) listener(move);
  }

  #lineageOf(account: string): string[] {
    const parent = this.#accounts.get(account);
    return parent === undefined ? [] : this.#lineage(parent);
  }

  /** @throws Error for an unknown unit */
  #lineage(parent: string): string[] {
    if (parent === this.root) return [parent];
    const above = this.#units[parent];
    if (above === undefined) throw new Error(`expected the root or a unit of ${this.id}, got ${parent}`);
    return [parent, ...this.#lineage(above)];
  }
}
