using System.Runtime.CompilerServices;
using CN2.Network.Compilation;

namespace CN2.Network.Tests.Scenarios;

/// <summary>
/// Each folder is a scenario: <c>resources.json</c> is the input, <c>expected.txt</c> the output. After an intended change of behaviour run the
/// tests once with <c>CN2_UPDATE_SCENARIOS=1</c> and review the difference.
/// </summary>
public sealed class ScenarioTests
{
    public static TheoryData<string> Names => [.. Directory.EnumerateDirectories(Folder()).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Resources_compile_to_the_expected_text(string name)
    {
        var folder = Path.Combine(Folder(), name);
        var resources = ScenarioResources.Read(File.ReadAllText(Path.Combine(folder, "resources.json")));
        var state = new NetworkState();
        foreach (var put in resources) put(state);
        var text = ScenarioText.Of(state);

        var reversed = new NetworkState();
        foreach (var put in resources.Reverse()) put(reversed);
        Assert.Equal(text, ScenarioText.Of(reversed));

        var expected = Path.Combine(folder, "expected.txt");
        if (Environment.GetEnvironmentVariable("CN2_UPDATE_SCENARIOS") == "1") File.WriteAllText(expected, text);
        Assert.True(File.Exists(expected), $"{expected} is missing; run with CN2_UPDATE_SCENARIOS=1 to write it.");
        Assert.Equal(File.ReadAllText(expected), text);
    }

    private static string Folder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
