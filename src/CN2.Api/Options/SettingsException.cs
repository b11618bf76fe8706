namespace CN2.Api.Options;

/// <summary>Settings are wrong; every one of them is named. The process stops with the list on standard error.</summary>
public sealed class SettingsException(IReadOnlyList<string> faults) : Exception(string.Join(Environment.NewLine, faults))
{
    public IReadOnlyList<string> Faults { get; } = faults;
}
