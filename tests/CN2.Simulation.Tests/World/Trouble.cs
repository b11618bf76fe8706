namespace CN2.Simulation.Tests.World;

/// <summary>Kinds of trouble that a run may have; without any, only users change things.</summary>
[Flags]
internal enum Trouble
{
    None = 0,

    /// <summary>An API is killed and started.</summary>
    ApiKilled = 1 << 0,

    /// <summary>gobgpd is killed and started.</summary>
    EngineKilled = 1 << 1,

    /// <summary>gobgpd hangs.</summary>
    EngineHangs = 1 << 2,

    /// <summary>Agents are cut off, killed, or their machine dies.</summary>
    NodesLost = 1 << 3,

    /// <summary>All agents are cut off from all control nodes at once.</summary>
    AllAgentsCut = 1 << 4,

    /// <summary>Sessions with routers are reset.</summary>
    SessionsReset = 1 << 5,

    /// <summary>The database is away or hangs, or connections are lost.</summary>
    DatabaseAway = 1 << 6,

    /// <summary>A transaction of another database stays open.</summary>
    OldTransaction = 1 << 7,

    /// <summary>A control node's process is stopped for a while; clocks jump.</summary>
    ApiStopped = 1 << 8,

    /// <summary>An endpoint whose entries every node refuses.</summary>
    BadEndpoint = 1 << 9,

    /// <summary>A network whose routes the engine refuses.</summary>
    BadNetwork = 1 << 10,

    /// <summary>An agent comes with the address of another node.</summary>
    AddressTaken = 1 << 11,

    /// <summary>A node comes back with another address.</summary>
    AddressChanged = 1 << 12,

    /// <summary>A BgpRouter's hold time changes.</summary>
    PeerChanged = 1 << 13,

    /// <summary>An API stays dead while its gobgpd lives.</summary>
    ApiStaysDead = 1 << 14,

    /// <summary>The database fails over to an asynchronous standby that lost the last commits.</summary>
    CommitsLost = 1 << 15,

    /// <summary>Transactions commit long after they began.</summary>
    LateCommits = 1 << 16,

    /// <summary>The database's clock is set.</summary>
    DatabaseClock = 1 << 17,

    All = (1 << 18) - 1,
}
