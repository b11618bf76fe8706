namespace CN2.Network.Compilation;

/// <summary>
/// Something that keeps a part of an owner from being served; the rest is served all the same. <paramref name="Reason"/> is one of
/// <see cref="Resources.ConditionReason"/>, <paramref name="Message"/> a sentence that tells the user what to do.
/// <paramref name="WithholdsAddress"/>: because of it a FloatingIP that should be reachable has no route at all.
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
