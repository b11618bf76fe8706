namespace CN2.Network.Overlay;

/// <summary>A RoutingInstance that a vRouter carries, and the label by which routers reach it there.</summary>
public readonly record struct RoutingInstance(int Number, uint Label);
