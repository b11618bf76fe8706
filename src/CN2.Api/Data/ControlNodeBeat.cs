using System.Net;

namespace CN2.Api.Data;

/// <summary>What a replica says about itself with each heartbeat.</summary>
/// <param name="Name">Its name.</param>
/// <param name="RestartTimeSeconds">How long routers may hold its routes after its engine is gone: the largest restart time of its peers.</param>
/// <param name="EngineBound">Its engine ends when the replica ends.</param>
/// <param name="EngineRunning">Its engine answers.</param>
/// <param name="IsLeading">It leads.</param>
/// <param name="Address">Its address; null: the one from which the database sees it.</param>
/// <param name="Version">The version of its program.</param>
/// <param name="Held">What holds back changes of the database, as it sees it; null: nothing.</param>
/// <param name="TakesAgents">It has read everything and reaches the database, so that other replicas may send agents to it.</param>
public sealed record ControlNodeBeat(
    string Name, int RestartTimeSeconds, bool EngineBound = false, bool EngineRunning = false, bool IsLeading = false, IPAddress? Address = null, string Version = "",
    HeldFeed? Held = null, bool TakesAgents = true);
