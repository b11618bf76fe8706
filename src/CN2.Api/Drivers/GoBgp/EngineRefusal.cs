namespace CN2.Api.Drivers.GoBgp;

/// <summary>An item that the engine refused, with the engine's own words.</summary>
internal readonly record struct EngineRefusal<T>(T Item, string Reason);
