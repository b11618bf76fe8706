namespace CN2.Api.Options;

/// <summary>Settings are wrong; each fault is a sentence that names one. The process stops and writes them to standard error.</summary>
public sealed class SettingsException(IReadOnlyList<string> faults) : Exception(string.Join(Environment.NewLine, faults))
{
    public IReadOnlyList<string> Faults { get; } = faults;
}
