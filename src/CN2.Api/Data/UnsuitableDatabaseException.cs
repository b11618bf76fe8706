namespace CN2.Api.Data;

/// <summary>The database cannot be used as it is; each fault is a sentence that says what to change. The process stops and writes them to standard error.</summary>
public sealed class UnsuitableDatabaseException(IReadOnlyList<string> faults) : Exception(string.Join(Environment.NewLine, faults))
{
    public IReadOnlyList<string> Faults { get; } = faults;
}
