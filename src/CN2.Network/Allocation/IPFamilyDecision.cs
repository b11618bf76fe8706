using CN2.Network.Addressing;
using CN2.Network.Collections;

namespace CN2.Network.Allocation;

/// <summary>Kubernetes' ipFamilyPolicy.</summary>
public enum IPFamilyPolicy
{
    SingleStack,
    PreferDualStack,
    RequireDualStack,
}

/// <summary>
/// Which families a Service gets an address of. <see cref="Missing"/> are wanted and not there; <see cref="Satisfied"/>: what is there
/// is enough for the policy, so nothing is pending.
/// </summary>
public sealed record IPFamilyDecision(EquatableList<IPFamily> Serve, EquatableList<IPFamily> Missing, bool Satisfied)
{
    /// <summary>The policy in force: as written, else PreferDualStack for two families and SingleStack for one or none.</summary>
    public static IPFamilyPolicy PolicyOf(IReadOnlyCollection<IPFamily> requested, IPFamilyPolicy? policy) =>
        policy ?? (requested.Distinct().Count() > 1 ? IPFamilyPolicy.PreferDualStack : IPFamilyPolicy.SingleStack);

    /// <summary>
    /// The families asked for, first one first: one for SingleStack (IPv4 when none is named), both for the others, the unnamed one last.
    /// </summary>
    public static EquatableList<IPFamily> FamiliesOf(IReadOnlyCollection<IPFamily> requested, IPFamilyPolicy? policy)
    {
        var first = requested.Count > 0 ? requested.First() : IPFamily.IPv4;
        if (PolicyOf(requested, policy) == IPFamilyPolicy.SingleStack) return [first];
        return [first, first == IPFamily.IPv4 ? IPFamily.IPv6 : IPFamily.IPv4];
    }

    /// <summary>Decides against what a network (or the service network) has.</summary>
    public static IPFamilyDecision Decide(IReadOnlyCollection<IPFamily> requested, IPFamilyPolicy? policy, IReadOnlyCollection<IPFamily> available)
    {
        var wanted = FamiliesOf(requested, policy);
        var serve = wanted.Where(available.Contains).ToEquatableList();
        var missing = wanted.Where(f => !available.Contains(f)).ToEquatableList();
        var satisfied = PolicyOf(requested, policy) == IPFamilyPolicy.PreferDualStack ? serve.Count > 0 : missing.Count == 0;
        return new IPFamilyDecision(serve, missing, satisfied);
    }

    /// <summary>For the user, when the decision is not satisfied.</summary>
    public string MissingMessage(string network) =>
        $"ExternalNetwork {network} has no {string.Join(" and no ", Missing)} subnet; add one to it, choose another network, or take {string.Join(" and ", Missing)} out of ipFamilies.";
}
