using CN2.Network.Compilation;

namespace CN2.Network.Tests;

/// <summary>What the compiler cannot check. <c>src/CN2.Network/BannedSymbols.txt</c> bans clock, chance, files, network and threads.</summary>
public sealed class ArchitectureTests
{
    /// <summary>Collections, numbers, text and address types.</summary>
    private static readonly string[] Allowed =
    [
        "System.Collections",
        "System.Linq",
        "System.Memory",
        "System.Net.Primitives",
        "System.Runtime",
        "System.Runtime.InteropServices", // CollectionsMarshal, for the indices
    ];

    [Fact]
    public void The_decision_library_references_only_the_plain_types_of_the_base_library()
    {
        var references = typeof(NetworkState).Assembly.GetReferencedAssemblies().Select(a => a.Name!).ToList();
        Assert.Empty(references.Except(Allowed));
    }

    [Fact]
    public void The_folders_of_the_decision_library_have_no_cycle() => Assert.Empty(FolderGraph.Of(typeof(NetworkState).Assembly).Cycles());
}
