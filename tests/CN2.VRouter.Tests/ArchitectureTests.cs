namespace CN2.VRouter.Tests;

public sealed class ArchitectureTests
{
    [Fact]
    public void No_folders_of_the_agent_use_each_other_in_a_circle() => Assert.Empty(FolderGraph.Of(typeof(VRouterAgent).Assembly).Cycles());
}
