using CN2.Network.Addressing;
using CN2.Network.Collections;

namespace CN2.Network.Allocation;

/// <summary>The address families of a Service, from its <c>ipFamilies</c> and its <c>ipFamilyPolicy</c>.</summary>
public static class IPFamilyDecision
{
    /// <summary>The policy that holds: as written, else PreferDualStack for two families and SingleStack for one or none.</summary>
    public static IPFamilyPolicy PolicyOf(IReadOnlyCollection<IPFamily> requested, IPFamilyPolicy? policy) =>
        policy ?? (requested.Distinct().Count() > 1 ? IPFamilyPolicy.PreferDualStack : IPFamilyPolicy.SingleStack);

    /// <summary>
    /// The families the Service is to have, the primary one first: one for SingleStack (IPv4 when none is named), both for the other
    /// policies.
    /// </summary>
    public static EquatableList<IPFamily> FamiliesOf(IReadOnlyCollection<IPFamily> requested, IPFamilyPolicy? policy)
    {
        var first = requested.Count > 0 ? requested.First() : IPFamily.IPv4;
        if (PolicyOf(requested, policy) == IPFamilyPolicy.SingleStack) return [first];
        return [first, first == IPFamily.IPv4 ? IPFamily.IPv6 : IPFamily.IPv4];
    }
}
