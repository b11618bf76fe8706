namespace CN2.Network.Overlay;

/// <summary>A route that was learned or changed; <see cref="Route"/> null: it was withdrawn.</summary>
public readonly record struct ImportedRouteChange(ImportedRouteKey Key, ImportedRoute? Route);
