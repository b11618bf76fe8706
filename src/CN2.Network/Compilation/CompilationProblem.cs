namespace CN2.Network.Compilation;

/// <summary>
/// A reason why a part of an owner is not served; the rest is served. <paramref name="Reason"/> is one of
/// <see cref="Resources.ConditionReason"/>, <paramref name="Message"/> a sentence that tells the user what to do.
/// <paramref name="WithholdsAddress"/>: the problem leaves a FloatingIP that should be reachable without any route.
/// </summary>
public sealed record CompilationProblem(string Reason, string Message, bool WithholdsAddress = false) : IComparable<CompilationProblem>
{
    public int CompareTo(CompilationProblem? other)
    {
        if (other is null) return 1;
        var order = string.CompareOrdinal(Reason, other.Reason);
        if (order == 0) order = string.CompareOrdinal(Message, other.Message);
        return order != 0 ? order : WithholdsAddress.CompareTo(other.WithholdsAddress);
    }
}
