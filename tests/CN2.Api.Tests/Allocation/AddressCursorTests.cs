using CN2.Api.Allocation;

namespace CN2.Api.Tests.Allocation;

/// <summary>In which order a demand tries networks, subnets and addresses that rest.</summary>
public sealed class AddressCursorTests
{
    [Fact]
    public void No_address_that_rests_is_given_while_another_subnet_or_network_of_the_selection_has_a_free_one()
    {
        Assert.Equal(["1"], Order(new PoolOption([1])));
        Assert.Equal(["1-", "2-", "1", "2"], Order(new PoolOption([1, 2])));
        Assert.Equal(["1-", "2-", "3-", "1", "2-", "3-", "2", "3"], Order(new PoolOption([1]), new PoolOption([2, 3])));
        Assert.Equal(["1-", "2-", "1", "2"], Order(new PoolOption([1]), new PoolOption((int[])[]), new PoolOption([2])));
    }

    [Fact]
    public void Two_families_come_before_one_even_where_only_addresses_that_rest_are_left()
    {
        Assert.Equal(["1 11", "1"], Order(new PoolOption([1], [11]), new PoolOption([1])));
        Assert.Equal(["1- 11-", "2- 12-", "1 11", "2 12", "1-", "2-", "1", "2"], Order(new PoolOption([1], [11]), new PoolOption([2], [12]), new PoolOption([1]), new PoolOption([2])));
    }

    /// <summary>What is tried when everything is exhausted, round by round; "-" is without addresses that rest.</summary>
    private static List<string> Order(params PoolOption[] options)
    {
        var cursor = new AddressCursor(new AddressDemand(options));
        var rounds = new List<string>();
        while (cursor.Missing().Select(m => $"{m.Source.SubnetId}{(m.Source.AlsoResting ? "" : "-")}").ToList() is { Count: > 0 } round)
        {
            rounds.Add(string.Join(' ', round));
            cursor.Serve([]);
        }

        return rounds;
    }
}
