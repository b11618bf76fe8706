using CN2.Network.Resources;

namespace CN2.Api.Allocation;

/// <summary>An address that was taken, and how it goes back if nobody needs it.</summary>
/// <param name="Place">The address and its subnet.</param>
/// <param name="RestedUntil">When its rest would have ended; null: it did not rest.</param>
/// <param name="LastHolder">The FloatingIP that had it before the rest.</param>
internal sealed record TakenAddress(PooledAddress Place, DateTime? RestedUntil, NamespacedName LastHolder);
